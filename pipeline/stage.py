"""How a stage runs: its seconds are noted, and a user error ends in one line and exit code 2."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from carousel.errors import UserError
from carousel.files import write_json
from carousel.text.printable import escape_unencodable, one_line


def run(main: Callable[[], None]) -> None:
    """Run a stage's `main`, write its seconds to reports/seconds/, and turn a UserError into its line."""
    began = time.perf_counter()
    name = Path(sys.modules["__main__"].__file__ or "stage").stem
    escape_unencodable()
    try:
        main()
        write_json(Path(f"reports/seconds/{name}.json"), {"seconds": round(time.perf_counter() - began, 1)})
    except UserError as error:
        print(one_line(f"error: {error}"), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"stopped: {name} was interrupted; `dvc repro` goes on from here", file=sys.stderr)
        sys.exit(130)
