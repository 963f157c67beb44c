"""Sources of labelled documents. A new source is a new file and a line in `SOURCES`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from carousel.corpus.document import Collected, Rejected, check_rejected, first_rejected
from carousel.corpus.labels import alike, alike_remarks
from carousel.errors import UserError
from carousel.tasks.classification import guess, labelled_files, stdlib_docs
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.formats.rows import MISSING

SOURCES: dict[str, Callable[[Data, Path], Collected]] = {
    "stdlib_docs": lambda data, root: Collected(stdlib_docs.read(root / data.path)),
    "file": labelled_files.read,
}


# Normalization that a source's texts need before that of the tokenizer: documentation is full of names of code
PRESETS: dict[str, tuple[str, ...]] = {"stdlib_docs": ("split_identifiers",)}


def preset(data: Data) -> tuple[str, ...]:
    """Return the normalization steps of the source that params.yaml names."""
    return PRESETS.get(data.source, ())


def columns(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of section `data` that name a new file's columns, as `guess.columns` finds them."""
    return guess.columns(path, given)


def file_params() -> dict[str, Any]:
    """Return the values that differ from the preset's, some of which are chosen for the built-in data."""
    for_any_size = {"train.epochs": 0, "train.batch_tokens": 0, "train.learning_rate": 0.004}
    whole_trials = {"sweep.trials": 0, "sweep.epochs": 6, "sweep.fraction": 1.0}
    return {"data.source": "file", **for_any_size, **whole_trials}


def collect(data: Data, root: Path = Path()) -> Collected:
    """Read every document of the source that params.yaml names.

    Args:
        data: the `data` section of params.yaml.
        root: where relative paths begin.

    Raises:
        UserError: when the source is missing, unreadable or empty.
    """
    return SOURCES[data.source](data, root)


def check(data: Data, documents: pl.DataFrame, rejected: list[Rejected]) -> None:
    """Check that there is something to learn.

    Raises:
        UserError: when too many rows were rejected, none is left, or a label stands alone.
    """
    rows = documents.height + len(rejected)
    check_rejected(rejected, rows, data.max_rejected, "rows")
    if documents.is_empty():
        every = f": all {rows} rows rejected; {first_rejected(rejected)}" if rejected else ""
        raise UserError(f"{data.path}: has no document with a text and a label{every}")
    rest = f" ({len(rejected)} rows rejected; {first_rejected(rejected)})" if rejected else ""
    labels = documents["label"].value_counts(sort=True)
    if labels.height == 1:
        raise UserError(
            f"{data.path}: every document has the label {_cut(labels['label'][0])}; a classifier needs at least "
            f"two: check data.label{rest}"
        )
    single = labels.filter(pl.col("count") == 1)["label"].sort().to_list()
    if single:
        doubt = "; if these are no labels, check data.label and data.format" if len(single) > 5 else ""
        raise UserError(
            f"{data.path}: one document only for {_named(single)}; a label needs at least one to learn from and "
            f"one to test: add documents, or join or remove the label{doubt}{rest}"
        )


def remarks(documents: pl.DataFrame, rejected: list[Rejected]) -> list[str]:
    """Return what is worth a look before training, a line each."""
    lines = []
    if rejected:
        lines.append(f"{len(rejected)} rows rejected; {first_rejected(rejected)}")
    counts = dict(documents["label"].value_counts().iter_rows())
    lines += alike_remarks("labels", counts)
    lines += [
        f"label {label!r} ({counts[label]} documents) may be a missing value; data.missing: [{label!r}] rejects it"
        for label in sorted(MISSING & counts.keys())
    ]
    texts = documents.filter(pl.col("text").is_in(list(MISSING)))["text"]
    if len(texts):
        lines.append(
            f"text {texts[0]!r} may be a missing value ({len(texts)} times); data.missing: [{texts[0]!r}] drops it"
        )
    return lines


def describe(data: Data, documents: pl.DataFrame, rejected: list[Rejected]) -> dict[str, Any]:
    """Return what reports/source.json says of a source."""
    return {
        "source": data.source,
        "documents": documents.height,
        "rejected": len(rejected),
        "labels": documents["label"].n_unique(),
        "labels_that_look_alike": len(alike(documents["label"].unique())),
        **(stdlib_docs.origin() if data.source == "stdlib_docs" else {}),
    }


def _named(labels: list[str], most: int = 5) -> str:
    names = ", ".join(_cut(label) for label in labels[:most])
    return f"label{'s' if len(labels) > 1 else ''} {names}" + (", …" if len(labels) > most else "")


def _cut(label: str, most: int = 60) -> str:
    return repr(label if len(label) <= most else f"{label[:most]}…")
