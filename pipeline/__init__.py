"""One short module per DVC stage: read params, call carousel, write outs."""

import sys
from types import TracebackType

from carousel.files import damaged_bytecode
from carousel.url import redact_tracebacks


def _end_in_a_line() -> None:
    """Let an interrupt end in a line also while a stage is still being imported."""
    redact_tracebacks()
    others = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("stopped: interrupted before anything was done; `dvc repro` goes on from here", file=sys.stderr)
        elif (explained := damaged_bytecode(error)) is not None:
            print(f"error: {explained}", file=sys.stderr)
        else:
            others(kind, error, trace)

    sys.excepthook = show


_end_in_a_line()
