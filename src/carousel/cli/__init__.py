"""The command line: every command of `carousel`, and how a mistake ends."""

import sys

import typer

from carousel.errors import Refused, UserError
from carousel.files import no_room
from carousel.terminal import encode_anything
from carousel.url import redact, redact_tracebacks

app = typer.Typer(
    name="carousel",
    help="Recurrent text models: predict with a registered version, and decide which one is live.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command: exit 0 when it did what was asked, 1 when it declined, 2 for a mistake told in one line."""
    from carousel.cli import compare, lineage, pin, predict, registry, summary, sweep

    app.command()(predict.predict)
    app.command()(compare.compare)
    app.command()(registry.versions)
    app.command()(lineage.lineage)
    app.command()(lineage.reproduce)
    app.command()(registry.promote)
    app.command()(registry.rollback)
    app.command()(registry.retire)
    app.command()(pin.pin)
    app.command()(summary.summary)
    app.add_typer(sweep.app, name="sweep")
    encode_anything()
    try:
        app()
    except Refused as error:
        print(f"refused: {redact(str(error))}", file=sys.stderr)
        sys.exit(1)
    except UserError as error:
        print(f"error: {redact(str(error))}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        explained = no_room(error)
        if explained is None:
            raise
        print(f"error: {explained}", file=sys.stderr)
        sys.exit(2)
    finally:
        redact_tracebacks()  # only now: Typer puts a hook of its own in place
