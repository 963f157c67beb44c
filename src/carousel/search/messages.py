"""What a sweep and its workers say to each other."""

from dataclasses import dataclass
from pathlib import Path

from carousel.corpus.training_data import TrainingData
from carousel.params import Objective


@dataclass(frozen=True)
class Data:
    """Where the data is, which every worker maps into its memory.

    Attributes:
        task: which task's data it is.
        encoded: folder of the encoded splits.
        parts: folder of the fitted parts.
        vectors: file of the word vectors to begin with.
    """

    task: str
    encoded: Path
    parts: Path
    vectors: Path

    def load(self) -> TrainingData:
        """Open the data."""
        return TrainingData.load(self.encoded, self.parts, self.vectors)


@dataclass(frozen=True)
class Work:
    """What a worker gets once.

    Attributes:
        data: the documents.
        objectives: what to measure.
        workers: how many share the cores.
        fraction: of the training split that its trials learn from.
        seed: decides which documents those are.
    """

    data: Data
    objectives: list[Objective]
    workers: int
    fraction: float
    seed: int


@dataclass(frozen=True)
class Epoch:
    """A trial's epoch, from 0, with its validation metrics by name, and its seconds."""

    number: int
    metrics: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Ended:
    """A trial's end.

    Attributes:
        state: complete, pruned or failed.
        values: of the objectives, if complete.
        reason: why it failed.
        epochs: that it trained, also before it was pruned or failed.
        seconds: in all.
    """

    state: str
    values: list[float] | None
    reason: str | None
    epochs: list[Epoch]
    seconds: float


@dataclass(frozen=True)
class Died:
    """A worker's end in the middle of a trial, with its exit code: below 0 is a signal."""

    code: int | None

    def __str__(self) -> str:
        return f"signal {-self.code}" if self.code is not None and self.code < 0 else f"exit code {self.code}"
