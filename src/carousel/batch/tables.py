"""Files of predictions: Parquet, CSV or JSONL, written in parts that are joined at last."""

import csv
import io
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from typing_extensions import override

from carousel.batch.chunks import Values
from carousel.batch.files import InputFile
from carousel.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

PREFIX = "predicted_"  # of the columns that a prediction adds, such as `predicted_label`
KNOWN, REASON = "has_known_word", "reason"


class Table(ABC):
    """A format of the output.

    Args:
        file: whose rows are kept.
        prediction: the class of the predictions, whose fields become columns.

    Raises:
        UserError: when the file has a column of the same name.
    """

    def __init__(self, file: InputFile, prediction: type[Any]) -> None:
        self.file = file
        self.hints = get_type_hints(prediction)
        self.added = (*(f"{PREFIX}{one.name}" for one in fields(prediction)), KNOWN, REASON)
        self.row(dict.fromkeys(file.columns), {})

    def row(self, kept: Values, added: Values) -> Values:
        """Return a row of the output: what was read, and what was predicted.

        Raises:
            UserError: when both have a column of the same name.
        """
        if twice := [name for name in kept if name in self.added]:
            raise UserError(
                f"{self.file.path}: has a column {twice[0]!r}, which the predictions also have: rename it"
            )
        return {**kept, **{name: added.get(name) for name in self.added}}

    def keeps(self, column: str) -> bool:
        """Return whether the output has a column of the input."""
        return column in self.file.columns

    @abstractmethod
    def write(self, rows: Sequence[Values], path: Path) -> None:
        """Write a part."""

    @abstractmethod
    def join(self, parts: Sequence[Path], path: Path) -> None:
        """Write the whole output; memory holds one part at a time."""


class ParquetTable(Table):
    """Parquet; a file's own types are kept, and probabilities by label are a map."""

    @override
    def write(self, rows: Sequence[Values], path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = self._schema()
        if self.file.schema is None:
            rows = [
                {name: _spelled(value) if name in self.file.columns else value for name, value in row.items()}
                for row in rows
            ]
        pq.write_table(pa.Table.from_pylist(list(rows), schema), path, compression="zstd")

    @override
    def join(self, parts: Sequence[Path], path: Path) -> None:
        import pyarrow.parquet as pq

        with pq.ParquetWriter(path, self._schema(), compression="zstd") as writer:
            for part in parts:
                writer.write_table(pq.read_table(part, partitioning=None, memory_map=False))

    def _schema(self) -> "pa.Schema":
        import pyarrow as pa

        given = self.file.schema
        kept = list(given) if given is not None else [pa.field(name, pa.string()) for name in self.file.columns]
        predicted = [pa.field(f"{PREFIX}{name}", _arrow(hint)) for name, hint in self.hints.items()]
        return pa.schema([*kept, *predicted, pa.field(KNOWN, pa.bool_()), pa.field(REASON, pa.string())])


class CsvTable(Table):
    """CSV with a header; lists and objects are JSON."""

    @override
    def write(self, rows: Sequence[Values], path: Path) -> None:
        columns = (*self.file.columns, *self.added)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([_spelled(row.get(name)) for name in columns] for row in rows)

    @override
    def join(self, parts: Sequence[Path], path: Path) -> None:
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow((*self.file.columns, *self.added))
        _join(parts, path, header.getvalue())


class JsonTable(Table):
    """JSONL: an object a row, with all keys that it had."""

    @override
    def keeps(self, column: str) -> bool:
        return True

    @override
    def write(self, rows: Sequence[Values], path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(json.dumps(row, ensure_ascii=False, default=_plain) + "\n" for row in rows)

    @override
    def join(self, parts: Sequence[Path], path: Path) -> None:
        _join(parts, path, "")


TABLES: dict[str, type[Table]] = {".parquet": ParquetTable, ".csv": CsvTable, ".jsonl": JsonTable}


def _join(parts: Sequence[Path], path: Path, header: str) -> None:
    with path.open("wb") as whole:
        whole.write(header.encode("utf-8"))
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)


def _arrow(hint: Any) -> "pa.DataType":
    """Return the Arrow type of a field of a prediction."""
    import pyarrow as pa

    plain = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    if hint in plain:
        return plain[hint]
    if is_dataclass(hint):
        return pa.struct([pa.field(name, _arrow(one)) for name, one in get_type_hints(hint).items()])
    if get_origin(hint) is dict:
        return pa.map_(*map(_arrow, get_args(hint)))
    return pa.list_(_arrow(get_args(hint)[0]))


def _spelled(value: Any) -> str | None:
    """Return a value as a text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(_plain(value) if isinstance(value, bytes) else value)


def _plain(value: Any) -> str:
    """Return what JSON has no type for as a text: bytes in hexadecimal, dates and decimals as they are written."""
    return value.hex() if isinstance(value, bytes) else str(value)
