"""The command line: every command of `carousel`, and how it ends."""

import contextlib
import errno
import os
import sys
from typing import Annotated, NoReturn

import typer

from carousel import __version__
from carousel.cli import project
from carousel.cli.output import say
from carousel.errors import Refused, UserError
from carousel.files import no_room
from carousel.text.printable import escape_unencodable, one_line
from carousel.url import redact, redact_tracebacks

INTERRUPTED = 130  # the exit code after Ctrl-C, which is also click's

# Of click, of which some versions of Typer have a copy of their own
_ClickException: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="carousel",
    help="Recurrent sequence models: predict, compare, promote and audit registered versions.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"carousel {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a command. Exit code 0: done; 1: refused; 2: user error, printed as one line."""
    from carousel.cli import (
        compare,
        drift,
        export,
        lineage,
        new,
        pin,
        predict,
        registry,
        run,
        serve,
        status,
        summary,
        sweep,
        ui,
        use,
    )

    app.command()(new.new)
    # `predict`, `drift`, `export`, `serve` and `sweep` also work outside of projects, with a bundle or a server
    app.command()(project.inside(status.status))
    app.command()(predict.predict)
    app.command()(drift.drift)
    app.command()(export.export)
    app.command()(serve.serve)
    for command in (
        compare.compare,
        registry.versions,
        lineage.lineage,
        lineage.reproduce,
        registry.promote,
        registry.rollback,
        registry.retire,
        run.run,
        use.use,
        new.upgrade,
        pin.pin,
        summary.summary,
        ui.ui,
    ):
        app.command()(project.inside(command))
    app.add_typer(sweep.app, name="sweep")
    escape_unencodable()
    line = ""
    try:
        project.enter()
        code = app(prog_name="carousel", standalone_mode=False)
    except Refused as error:
        line, code = f"refused: {error}", 1
    except UserError as error:
        line, code = f"error: {error}", 2
    except _ClickException as error:
        line, code = _usage(error), getattr(error, "exit_code", 2)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        explained = no_room(error)
        if explained is None:
            raise
        line, code = f"error: {explained}", 2
    finally:
        redact_tracebacks()  # only now: Typer puts a hook of its own in place
    if code == INTERRUPTED:
        line = "interrupted"
    _end(redact(line), code if isinstance(code, int) else 0)


def _usage(error: Exception) -> str:
    """Return what is wrong with the command itself, in one line."""
    if type(error).__name__ == "NoArgsIsHelpError":  # the help is printed already
        return ""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "carousel"
    message = getattr(error, "format_message", error.__str__)().strip().rstrip(".")
    if type(error).__name__ == "NoSuchOption" and command.endswith(" predict"):
        message += "; put -- before texts that begin with a dash"
    return f"error: {message}; {command} --help shows how"


def _end(line: str, code: int) -> NoReturn:
    """Exit, also where the reader of the output is gone, or the disk that it goes to is full."""
    try:
        if sys.stdout is not None:  # it may be closed
            sys.stdout.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # so that the interpreter's own flush succeeds
        gone = error.errno == errno.EPIPE
        line, code = (line, code or 1) if gone else (f"error: cannot write: {error.strerror}", 2)
    if line:
        with contextlib.suppress(OSError):
            say(one_line(line), to_stderr=True)
    sys.exit(code)
