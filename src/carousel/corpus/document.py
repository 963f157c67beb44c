"""What a document is: an id, a text, a label, and the split that it came with, if any."""

import hashlib
import json
from dataclasses import asdict, dataclass, field

import polars as pl

SPLITS = ("train", "val", "test")

# `id` names the document in every report: file and line for files, module and name for stdlib_docs
SCHEMA = pl.Schema({"id": pl.String, "text": pl.String, "label": pl.String, "split": pl.String})


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
        documents: a frame of `SCHEMA`.
        rejected: the rows that were left out, in order.
        notes: what was recognised without being asked for, a line each.
    """

    documents: pl.DataFrame
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def digest(documents: pl.DataFrame) -> str:
    """Return a SHA-256 of a split's texts and labels in order, wherever and under whatever ids they were read."""
    content = hashlib.sha256()
    for text, label in documents.select("text", "label").iter_rows():
        content.update(json.dumps([text, label]).encode())
    return content.hexdigest()
