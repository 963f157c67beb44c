"""Rows of one file: the wanted columns, and the rows that could not be read."""

from dataclasses import dataclass, field

import polars as pl

from carousel.tasks.classification.data import Column, Data

# What auto takes for a missing value where a text file spells it without quotes: as Python, pandas, R, SQL and
# Excel write it. Lowercase `none` and `na` are words: `none` is a common label
MISSING = frozenset(
    ["NaN", "nan", "NAN", "-nan", "null", "Null", "NULL", "None", "NA", "N/A", "n/a", "#N/A", "<NA>"]
)


@dataclass
class Rows:
    """The rows of one file.

    Attributes:
        lines: the line (in Parquet, the row) where each row begins, counted from 1.
        values: by role (`text`, `label`, and perhaps `split`) a value for each row; null is a missing value.
        rejected: line and reason of each row that could not be read.
        notes: what was recognised without being asked for, a sentence each.
    """

    lines: list[int] = field(default_factory=list)
    values: dict[str, list[str | None] | pl.Series] = field(default_factory=dict)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        """Leave a row out."""
        self.rejected.append((line, reason))


def roles(data: Data) -> dict[str, Column]:
    """Return the column of each role that has one."""
    split = {} if data.split_column is None else {"split": data.split_column}
    return {"text": data.text, "label": data.label} | split


def title(column: Column) -> str:
    """Return what messages call a column."""
    return column if isinstance(column, str) else f"column {column}"


def missing_word(column: Column, word: str) -> str:
    """Return the reason why a row whose text or label is such a word is rejected."""
    return f"{title(column)} is {word}, a missing value if not in quotes; data.missing: [] reads it as a word"
