"""Which columns of a user's file are text and label, where the user does not name them."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from carousel.corpus.formats.columns import named
from carousel.corpus.formats.endings import ending
from carousel.corpus.formats.lines import recognise
from carousel.errors import UserError
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.formats.delimited import DELIMITERS
from carousel.tasks.classification.labelled_files import FORMATS

TEXTS = (
    "text", "review", "sentence", "message", "comment", "tweet", "utterance", "query", "question", "document",
    "content", "body", "description", "abstract", "title", "subject",
)  # fmt: skip
LABELS = (
    "label", "labels", "class", "category", "sentiment", "topic", "intent", "target", "tag", "rating",
    "stars", "score", "polarity", "queue", "department", "genre", "type",
)  # fmt: skip
ROWS = 1000
MAX_LABELS = 0.5  # of the sampled rows; a column with more distinct values has no labels


def columns(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `text` and `label` for params.yaml's section `data`: as given, else by name, else by content.

    Args:
        path: a file, or a folder, which has no columns.
        given: keys of the section that the user gave.

    Raises:
        UserError: when the file has columns and none, or several, could be meant.
    """
    found = dict(given)
    if {"text", "label"} <= found.keys() or path.is_dir():
        return found
    sample = _sample(path, Data(source="file", path=str(path)))
    if sample is None or not sample.width:
        return found
    for role, names, fits in (("label", LABELS, _labels), ("text", TEXTS, _texts)):
        if role not in found:
            free = [column for column in sample.columns if column not in found.values()]
            found[role] = _choose(path, role, free, names, fits(sample.select(free)))
    return found


def _choose(path: Path, role: str, columns: list[str], names: Sequence[str], fitting: list[str]) -> str:
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    known = [by_name[name] for name in names if name in by_name]
    for likely in ([column for column in known if column in fitting], known, fitting if len(fitting) == 1 else []):
        if likely:
            return likely[0]
    raise UserError(f"{path}: which of its columns is the {role}? --{role} names it; it has {named(columns)}")


def _labels(sample: pl.DataFrame) -> list[str]:
    """Return the columns that repeat a few values."""
    return [
        column.name
        for column in sample.iter_columns()
        if 2 <= column.drop_nulls().n_unique() <= max(2, MAX_LABELS * sample.height)
    ]


def _texts(sample: pl.DataFrame) -> list[str]:
    """Return the columns of words."""
    return [
        column.name
        for column in sample.iter_columns()
        if float(column.str.contains(r"\p{L}").mean() or 0) > 0.5 and column.n_unique() > 2  # type: ignore[arg-type]
    ]


def _sample(path: Path, data: Data) -> pl.DataFrame | None:
    """Return the first rows as strings; None without columns, or if the reader has to judge."""
    kind = data.format if data.format != "auto" else FORMATS.get(ending(path), "lines")
    try:
        if kind == "parquet":
            return _strings(pl.scan_parquet(path, glob=False).head(ROWS).collect())
        if kind == "lines":
            return None
        lines = recognise(path, data).first_lines(ROWS)
        if kind in ("csv", "tsv"):
            return _delimited(lines, data)
        rows = "".join(lines)
        read = pl.read_json if rows.lstrip().startswith("[") else pl.read_ndjson
        return _strings(read(io.BytesIO(rows.encode()), infer_schema_length=None))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None


def _delimited(lines: list[str], data: Data) -> pl.DataFrame:
    header = lines[0] if lines else ""
    delimiter = max(DELIMITERS, key=header.count) if data.delimiter == "auto" else data.delimiter
    return pl.read_csv(
        io.BytesIO("".join(lines).encode()),
        separator=delimiter,
        infer_schema=False,
        truncate_ragged_lines=True,
        ignore_errors=True,
        quote_char=None if data.quoting == "none" else '"',
    )


def _strings(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of single values, as strings."""
    single = [name for name, dtype in frame.schema.items() if not dtype.is_nested() and dtype != pl.Binary]
    return frame.select(pl.col(single).cast(pl.String))
