"""What is read from a source: examples, and the rows that were rejected."""

import json
from dataclasses import asdict, dataclass, field

import polars as pl

from carousel.errors import UserError

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


def check_rejected(rejected: list[Rejected], total: int, limit: int, noun: str) -> None:
    """Raise a UserError when more rows were rejected than `data.max_rejected` allows.

    Args:
        rejected: the rows.
        total: how many were read.
        limit: `data.max_rejected`.
        noun: what they are called, such as `rows`.
    """
    if len(rejected) > limit:
        raise UserError(
            f"{rejected[0].file}: {len(rejected)} of {total} {noun} rejected, data.max_rejected allows {limit}; "
            f"{first_rejected(rejected)}"
        )


def first_rejected(rejected: list[Rejected]) -> str:
    """Return where the first rejected row is, and why it was rejected."""
    first = rejected[0]
    where = f"line {first.line} of {first.file}"
    return f"the first is {where}: {first.reason} (all of them are in reports/rejected.jsonl)"
