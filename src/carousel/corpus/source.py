"""Sources of labelled documents. A new source is a new file and a line in `SOURCES`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from carousel.corpus import labelled_files, stdlib_docs
from carousel.corpus.document import Rejected
from carousel.errors import UserError
from carousel.params import Data

SOURCES: dict[str, Callable[[Data, Path], tuple[pl.DataFrame, list[Rejected]]]] = {
    "stdlib_docs": lambda data, root: (stdlib_docs.read(root / data.path), []),
    "file": labelled_files.read,
}


# Normalization that a source's texts need before that of the tokenizer: documentation is full of names of code
PRESETS: dict[str, tuple[str, ...]] = {"stdlib_docs": ("split_identifiers",)}


def preset(data: Data) -> tuple[str, ...]:
    """Return the normalization steps of the source that params.yaml names."""
    return PRESETS.get(data.source, ())


def collect(data: Data, root: Path = Path()) -> tuple[pl.DataFrame, list[Rejected]]:
    """Read every document of the source that params.yaml names.

    Args:
        data: the `data` section of params.yaml.
        root: where relative paths begin.

    Returns:
        A frame of `document.SCHEMA`, and the rows that were left out.

    Raises:
        UserError: when the source is missing, unreadable or empty.
    """
    return SOURCES[data.source](data, root)


def check(data: Data, documents: pl.DataFrame, rejected: list[Rejected]) -> None:
    """Check that there is something to learn.

    Raises:
        UserError: when too many rows were rejected, none is left, or a label stands alone.
    """
    if len(rejected) > data.max_rejected:
        first = rejected[0]
        raise UserError(
            f"{first.file}: {len(rejected)} of {documents.height + len(rejected)} rows rejected, data.max_rejected "
            f"allows {data.max_rejected}; the first is line {first.line}: {first.reason} "
            "(all of them are in reports/rejected.jsonl)"
        )
    if documents.is_empty():
        raise UserError(f"{data.path}: has no document with a text and a label")
    labels = documents["label"].value_counts(sort=True)
    if labels.height == 1:
        raise UserError(
            f"{data.path}: every document has the label {labels['label'][0]!r}; a classifier needs at least two: "
            "check data.label"
        )
    single = labels.filter(pl.col("count") == 1)["label"].sort().to_list()
    if single:
        raise UserError(
            f"{data.path}: one document only for {_named(single)}; a label needs at least one to learn from and "
            "one to test: add documents, or join or remove the label"
        )


def describe(data: Data, documents: pl.DataFrame, rejected: list[Rejected]) -> dict[str, Any]:
    """Return what reports/source.json says of a source."""
    return {
        "source": data.source,
        "documents": documents.height,
        "rejected": len(rejected),
        "labels": documents["label"].n_unique(),
        **(stdlib_docs.origin() if data.source == "stdlib_docs" else {}),
    }


def _named(labels: list[str], most: int = 5) -> str:
    shown = ", ".join(repr(label) for label in labels[:most])
    return f"label{'s' if len(labels) > 1 else ''} {shown}" + (", …" if len(labels) > most else "")
