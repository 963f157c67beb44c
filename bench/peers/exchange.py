"""What each peer's script reads and writes: documents in, one JSON line an epoch out.

The scripts import this file as their neighbour, not as part of a package: Carousel is not installed where they run.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BATCH, EMBEDDING, HIDDEN, LEARNING_RATE = 64, 128, 256, 1e-3


@dataclass(frozen=True)
class Documents:
    """Documents of token ids, end to end.

    Args:
        ids: (tokens,) int32, from 2 up; 0 and 1 are padding and unknown.
        offsets: (documents + 1,) int64; document i is `ids[offsets[i] : offsets[i + 1]]`.
        targets: (documents,) int64, the class of each document.
    """

    ids: np.ndarray
    offsets: np.ndarray
    targets: np.ndarray

    @classmethod
    def read(cls, path: Path) -> "Documents":
        """Read the three arrays from an npz file."""
        with np.load(path) as arrays:
            return cls(arrays["ids"], arrays["offsets"], arrays["targets"])

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def tokens(self) -> int:
        """Number of tokens in all documents together, none of them padding."""
        return len(self.ids)

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens in each document, (documents,)."""
        return np.diff(self.offsets)

    def document(self, index: int) -> np.ndarray:
        """Return the ids of one document, (length,)."""
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def words(self, index: int) -> list[str]:
        """Return one document as words, for libraries that want to number words themselves."""
        return [f"w{number}" for number in self.document(index)]


class Report:
    """Standard output for the JSON lines alone: what the library prints goes to standard error from now on."""

    def __init__(self) -> None:
        self.lines = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def epoch(self, epoch: int, seconds: float, tokens: int, loss: float) -> None:
        """Write one epoch: its number from 1, seconds of training, real tokens trained on, mean loss."""
        line = {"epoch": epoch, "seconds": round(seconds, 4), "tokens": tokens, "loss": round(loss, 6)}
        print(json.dumps(line), file=self.lines, flush=True)


def arguments() -> tuple[Documents, int, int, Report]:
    """Return documents, epochs, threads and the report, as the command line says; no GPU is seen from here on."""
    if len(sys.argv) != 4:
        sys.exit(f"usage: {Path(sys.argv[0]).name} DOCUMENTS.npz EPOCHS THREADS")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["OMP_NUM_THREADS"] = sys.argv[3]
    return Documents.read(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]), Report()
