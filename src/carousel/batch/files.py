"""Files of inputs, read row by row: text lines, CSV, TSV, JSONL and Parquet."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carousel.batch.chunks import Values
from carousel.corpus.formats import recognition
from carousel.corpus.formats.columns import named
from carousel.corpus.formats.endings import ending
from carousel.corpus.formats.lines import TextFile, recognise
from carousel.corpus.formats.records import records, sample
from carousel.errors import UserError
from carousel.params import Source
from carousel.text.lines import is_encodable

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = "text"  # the column of inputs, unless the user names one
KINDS = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}  # fmt: skip
_DELIMITERS = (",", "\t", ";", "|")
_READ = 256  # rows of a Parquet file that are read together

Rows = Iterator[tuple[Any, Values, str | None]]  # value of the column, the values to keep, reason


@dataclass(frozen=True)
class InputFile:
    """A file whose rows are predicted for.

    Attributes:
        path: where it is.
        kind: parquet, csv, tsv, jsonl or lines.
        column: of the inputs.
        columns: that each row has; in JSONL, those of the first row.
        schema: of a Parquet file.
        count: rows, where the file says it.
    """

    path: Path
    kind: str
    column: str
    columns: tuple[str, ...]
    schema: "pa.Schema | None" = None
    count: int | None = None

    def rows(self) -> Rows:
        """Yield each row's input, values to keep, and the reason if it cannot be read.

        Raises:
            UserError: where the file is damaged so that the rows after it cannot be found.
        """
        if self.kind == "parquet":
            return self._parquet()
        file = _text_file(self.path)
        if self.kind == "lines":
            return self._lines(file)
        return self._objects(file) if self.kind == "jsonl" else self._records(file)

    def _parquet(self) -> Rows:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path, buffer_size=1 << 20, pre_buffer=False) as file:
                for batch in file.iter_batches(_READ):
                    for row in batch.to_pylist():
                        yield row[self.column], row, None
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{self.path}: {recognition.parquet_fault(self.path, error)}") from error

    def _lines(self, file: TextFile) -> Rows:
        for line in file.lines():
            text = line.removesuffix("\n").removesuffix("\r")
            yield text, {TEXT: text}, _undecodable(text)

    def _records(self, file: TextFile) -> Rows:
        kind, delimiter = self.kind.upper(), _delimiter(file, self.kind, self.column)
        place, width = self.columns.index(self.column), len(self.columns)
        for number, (_, fields, raw) in enumerate(records(file, kind, delimiter, "standard", 1)):
            if not number:
                continue  # the header
            if isinstance(fields, str):
                yield None, {}, fields
            elif len(fields) != width:
                yield None, {}, f"{len(fields)} field{'s'[: len(fields) != 1]} where the header has {width}"
            else:
                kept = dict(zip(self.columns, fields, strict=True))
                yield fields[place], kept, _undecodable(*raw)

    def _objects(self, file: TextFile) -> Rows:
        for line in file.lines():
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                deep = isinstance(error, RecursionError)
                yield None, {}, "nested too deeply" if deep else f"not valid JSON: {getattr(error, 'msg', error)}"
                continue
            if not isinstance(value, dict):
                yield None, {}, "not a JSON object"
                continue
            yield value.get(self.column), value, _undecodable(line)


def open_inputs(path: Path, column: str | None) -> InputFile:
    """Find out what a file is, and which of its columns has the inputs.

    Args:
        path: the file.
        column: that the user names; else `text`, or the only one.

    Raises:
        UserError: when it is missing, empty, not of a kind that is read, or has no such column.
    """
    if not path.is_file():
        raise UserError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; name a file of texts")
    kind = KINDS.get(ending(path), "lines")
    if kind == "parquet":
        return _open_parquet(path, column)
    file = _text_file(path)
    if kind == "lines":
        if column not in (None, TEXT):
            raise UserError(f"{path}: has a text a line and no columns: leave --column out")
        return InputFile(path, kind, TEXT, (TEXT,))
    first = file.first_lines()
    if not first:
        raise UserError(f"{path}: is empty: nothing to predict")
    if kind == "jsonl":
        columns = _keys(path, first)
    else:
        delimiter = _delimiter(file, kind, column or TEXT)
        columns = tuple(
            next((fields for _, fields, _ in records(file, kind.upper(), delimiter, "standard", 1)), ())
        )
        if not all(columns) or len(set(columns)) < len(columns):
            raise UserError(f"{path}: its first line should name the columns, each once; it is {named(columns)}")
    return InputFile(path, kind, _column(path, column, columns), columns)


def _open_parquet(path: Path, column: str | None) -> InputFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema, count = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        reason = recognition.parquet_fault(path, error)
        raise UserError(f"{path}: not a readable Parquet file: {reason}") from error
    if len(set(schema.names)) < len(schema.names):
        raise UserError(f"{path}: a column name occurs twice: rename one")
    return InputFile(path, "parquet", _column(path, column, schema.names), tuple(schema.names), schema, count)


def _column(path: Path, wanted: str | None, columns: "tuple[str, ...] | list[str]") -> str:
    if wanted is None and TEXT not in columns and len(columns) == 1:
        return columns[0]
    if (wanted or TEXT) not in columns:
        raise UserError(
            f"{path}: has no column {wanted or TEXT!r}; it has {named(columns)}: name one with --column"
        )
    return wanted or TEXT


def _text_file(path: Path) -> TextFile:
    """Recognise a text file, whose undecodable bytes become surrogates: they cost their row alone."""
    with path.open("rb") as plain:
        compression = recognition.compression(plain.read(16)) or "none"
    file = recognise(path, Source(source="file", path=str(path), compression=compression))  # type: ignore[arg-type]
    return replace(file, errors="surrogateescape")


def _delimiter(file: TextFile, kind: str, column: str) -> str:
    """Return the first delimiter that makes the first line name the column; the usual one if none does."""
    usual = "," if kind == "csv" else "\t"
    first = file.first_lines(1)
    fits = (one for one in dict.fromkeys((usual, *_DELIMITERS)) if column in sample(first, one, "standard")[0])
    return next(fits, usual)


def _keys(path: Path, lines: list[str]) -> tuple[str, ...]:
    """Return the keys of the first JSON object."""
    for line in lines:
        with suppress(ValueError, RecursionError):
            value = json.loads(line)
            if isinstance(value, dict):
                return tuple(value)
    raise UserError(f"{path}: none of its first lines is a JSON object; JSONL has one a line")


def _undecodable(*lines: str) -> str | None:
    return None if all(map(is_encodable, lines)) else "not UTF-8"
