"""Parquet files."""

from pathlib import Path

import polars as pl

from carousel.corpus.formats import recognition
from carousel.corpus.formats.columns import named
from carousel.errors import UserError, first_line
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.formats.rows import Rows, roles, title


def read(path: Path, data: Data) -> Rows:
    """Read the columns that params.yaml names. Numbers, booleans, dates and categories are spelled as Polars does.

    Raises:
        UserError: when it is no Parquet file, or has no such column, or one twice.
    """
    try:
        with path.open("rb") as file:  # a path would be taken for a pattern
            names = list(pl.read_parquet_schema(file))
        columns = {role: _column(path, column, names) for role, column in roles(data).items()}
        with path.open("rb") as file:
            frame = pl.read_parquet(file, columns=list(dict.fromkeys(columns.values())))
    except pl.exceptions.DuplicateError as error:
        raise UserError(f"{path}: a column name occurs twice; rename one: {first_line(error)}") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file: {recognition.parquet_fault(path, error)}") from error
    lines = pl.int_range(1, frame.height + 1, eager=True)
    rejected: list[tuple[int, str]] = []
    for role, column in columns.items():
        kind = _kind(frame.schema[column])
        if kind:  # of its rows, those with a null miss a value, as in any other type
            filled = frame[column].is_not_null()
            rejected += [(line, f"{title(roles(data)[role])} is {kind}") for line in lines.filter(filled)]
            frame, lines = frame.filter(~filled), lines.filter(~filled)
            frame = frame.with_columns(pl.lit(None, pl.String).alias(column))
    values: dict[str, list[str | None] | pl.Series] = {
        role: _spelled(frame[column]) for role, column in columns.items()
    }
    return Rows(lines.to_list(), values, rejected)


def _column(path: Path, column: str | int, names: list[str]) -> str:
    if isinstance(column, int) and column <= len(names):
        return names[column - 1]
    if column not in names:
        raise UserError(f"{path}: has no column {column!r}; it has {named(names)}: set data.text and data.label")
    return str(column)


def _kind(dtype: pl.DataType) -> str | None:
    """Return what a value of this type is if it is neither text nor label."""
    if isinstance(dtype, pl.List | pl.Array):
        return "a list"
    if isinstance(dtype, pl.Struct):
        return "an object"
    if isinstance(dtype, pl.Binary):
        return "bytes"
    if isinstance(dtype, pl.Object | pl.Duration):
        return f"of type {dtype}"
    return None


def _spelled(values: pl.Series) -> pl.Series:
    if values.dtype.is_float():
        values = values.fill_nan(None)
    return values.cast(pl.String)
