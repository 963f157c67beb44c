"""`carousel predict --out`: a file of predictions."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from carousel.cli.model import load
from carousel.cli.output import say

if TYPE_CHECKING:
    from carousel.batch.files import InputFile
    from carousel.batch.scoring import Progress

INTERVAL = 10.0  # seconds between lines of progress where there is no terminal


def score_file(
    file: Path, out: Path, column: str | None, model: str | None, bundle: Path | None, *, force: bool
) -> None:
    """Predict for a file's rows, and write them with their predictions."""
    from carousel.batch.files import open_inputs
    from carousel.batch.scoring import check_output, score

    check_output(out, force=force)
    inputs = open_inputs(file, column)
    loaded = load(model, bundle, exported=True)
    line = _ProgressLine(inputs)
    done = score(loaded.predictor, loaded.identity, inputs, out, force=force, tell=line.show)
    line.end()
    if done.left_out:
        say(f"warning: {out}: has no column for {', '.join(sorted(done.left_out))}", to_stderr=True)
    if done.failed:
        rows = "1 row has" if done.failed == 1 else f"{done.failed} rows have"
        say(f"warning: {rows} no prediction; the column reason says why", to_stderr=True)
    say(f"{out}: {done.rows} rows, predicted by {loaded.source}")


class _ProgressLine:
    """How far a file is, on standard error: one line that changes on a terminal, else a line now and then."""

    def __init__(self, file: "InputFile") -> None:
        self.file = file
        self.began = self.shown = time.monotonic()
        self.is_terminal = sys.stderr.isatty()

    def show(self, progress: "Progress") -> None:
        """Show the rows that are done, if it is time."""
        now = time.monotonic()
        if not self.is_terminal and now - self.shown < INTERVAL:
            return
        self.shown = now
        of = f" of {self.file.count}" if self.file.count else ""
        rate = (progress.rows - progress.resumed) / max(now - self.began, 1e-3)
        line = f"{progress.rows}{of} rows, {rate:.0f} a second"
        if self.is_terminal:
            print(f"\r{line}", end="\x1b[K", file=sys.stderr, flush=True)
        else:
            say(line, to_stderr=True)

    def end(self) -> None:
        """Clear the line of a terminal."""
        if self.is_terminal:
            print("\r", end="\x1b[K", file=sys.stderr, flush=True)
