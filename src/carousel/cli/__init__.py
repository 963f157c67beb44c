"""The command line. `app` imports what commands need: an interrupt meanwhile ends in a line, too."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130  # the exit code after Ctrl-C, which is also click's


def main() -> None:
    """Run a command. Exit code 0: done; 1: refused; 2: user error, printed as one line."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as of a command in the background
        signal.signal(signal.SIGINT, _interrupted)
    try:
        from carousel.cli import app
    except Exception as error:
        from carousel.files import damaged_bytecode

        explained = damaged_bytecode(error)
        if explained is None:
            raise
        print(f"error: {explained}", file=sys.stderr)
        sys.exit(2)
    signal.signal(signal.SIGINT, before)
    app.main()


def _interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: a library that is being imported may take an exception for its own failure."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"interrupted\n")
    os._exit(INTERRUPTED)
