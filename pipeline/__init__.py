"""One short module per DVC stage: read params, call carousel, write outs."""

import os
import sys
from types import TracebackType

from carousel.files import damaged_bytecode
from carousel.url import redact_tracebacks


def _end_in_a_line() -> None:
    """Let an interrupt, or a module that was cut short, end in a line while a stage is still being imported."""
    redact_tracebacks()
    others = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            _end("stopped: interrupted before anything was done; `dvc repro` goes on from here", 130)
        elif (explained := damaged_bytecode(error)) is not None:
            _end(f"error: {explained}", 2)
        else:
            others(kind, error, trace)

    sys.excepthook = show


def _end(line: str, code: int) -> None:
    print(line, file=sys.stderr, flush=True)
    os._exit(code)


_end_in_a_line()
