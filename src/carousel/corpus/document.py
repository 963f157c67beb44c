"""What is read from a source: examples, and the rows that were rejected."""

import json
from dataclasses import asdict, dataclass, field

import polars as pl

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Rejected:
    """A row that was left out, and why."""

    file: str
    line: int
    reason: str

    def to_json(self) -> str:
        """Return a line of reports/rejected.jsonl."""
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True)
class Collected:
    """What was read from a source.

    Attributes:
        documents: a frame with `id`, `split`, and the columns of the task.
        rejected: the rows that were left out, in order.
        notes: what was recognised without being asked for, a line each.
    """

    documents: pl.DataFrame
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
