"""How a stage runs: its seconds are noted, and a user error ends in one line and exit code 2."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from carousel import layout
from carousel.errors import UserError
from carousel.files import damaged_bytecode, no_room, write_json
from carousel.template.installed import check as check_version
from carousel.text.printable import escape_unencodable, one_line
from carousel.tracking.repository import GitError, git
from carousel.tracking.store import check_place, main_checkout
from carousel.url import redact, redact_tracebacks


def run(main: Callable[[], None]) -> None:
    """Run a stage's `main`, write its seconds to reports/seconds/, and turn a UserError into its line."""
    redact_tracebacks()
    began = time.perf_counter()
    name = Path(getattr(sys.modules["__main__"], "__file__", None) or "stage").stem
    escape_unencodable()
    try:
        check_version()
        check_place()
        _check_braces()
        main()
        write_json(layout.SECONDS / f"{name}.json", {"seconds": round(time.perf_counter() - began, 1)})
    except UserError as error:
        _fail(error)
    except Exception as error:
        explained = no_room(error) or damaged_bytecode(error)
        if explained is None:
            raise
        _fail(explained)
    except KeyboardInterrupt:
        print(f"stopped: {name} was interrupted; `dvc repro` goes on from here", file=sys.stderr)
        sys.exit(130)


def _fail(error: UserError) -> NoReturn:
    print(one_line(redact(f"error: {error}{_uncommitted(error)}")), file=sys.stderr)
    sys.exit(2)


def _uncommitted(error: UserError) -> str:
    """Say how to get params.yaml back: `dvc exp run -S` leaves a refused value in it."""
    in_copy = main_checkout() != Path.cwd().resolve()  # of `dvc exp run --temp`, which leaves the folder as it was
    if in_copy or not str(error).startswith(f"{layout.PARAMS}: "):
        return ""
    try:
        changed = git(Path(), "diff", "--name-only", "HEAD", "--", str(layout.PARAMS))
    except GitError:
        return ""
    advice = (
        f"`git diff {layout.PARAMS}` shows its uncommitted changes, `git checkout {layout.PARAMS}` discards them"
    )
    return f" ({advice})" if changed else ""


def _check_braces() -> None:
    """Stop before the first stage where DVC would stop after it: it formats its cache's path as a message."""
    checkout = main_checkout()
    if {"{", "}"} & set(str(checkout)):
        raise UserError(f"{checkout}: DVC cannot work in a folder with a brace in its name: rename the folder")
