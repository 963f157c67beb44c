"""A person's own files: CSV, TSV, JSONL, Parquet, or `label text` lines; plain or gzip; UTF-8."""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from carousel.corpus.document import SCHEMA, SPLITS, Rejected
from carousel.errors import UserError
from carousel.params import Data

# JSON can spell them, UTF-8 cannot
_SURROGATES = re.compile("[\ud800-\udfff]")

# A row is (line, values by column); a row that cannot be read is (line, reason)
Row = tuple[int, dict[str, Any] | str]

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}

# Endings that plainly mean something else than `label text` lines, which have no ending of their own
OTHERS = {".json", ".yaml", ".yml", ".xml", ".html", ".md", ".xlsx", ".zip", ".pkl", ".arrow", ".feather"}


def read(data: Data, root: Path) -> tuple[pl.DataFrame, list[Rejected]]:
    """Read the file `data.path`, or the files that `data.splits` names in the folder `data.path`.

    Returns:
        A frame of `document.SCHEMA`, and the rows that were left out.

    Raises:
        UserError: for a missing, empty, unreadable or wrongly encoded file, or a missing column.
    """
    rows: list[tuple[str, str, str, str | None]] = []
    rejected: list[Rejected] = []
    for path, split in _files(data, root):
        found = 0
        for line, values in _rows(path, data):
            found += 1
            document = values if isinstance(values, str) else _document(values, data, split)
            if isinstance(document, str):
                rejected.append(Rejected(path.name, line, document))
            else:
                rows.append((f"{path.name}:{line}", *document))
        if not found:
            raise UserError(f"{path}: is empty; it should hold at least a text and a label")
    return pl.DataFrame(rows, schema=SCHEMA, orient="row"), rejected


def _files(data: Data, root: Path) -> list[tuple[Path, str | None]]:
    base = root / data.path
    if not base.exists():
        raise UserError(f"{base}: no such file or folder; data.path in params.yaml names it")
    if not data.given:
        if base.is_dir():
            files = ", ".join(sorted(path.name for path in base.iterdir())[:8])
            raise UserError(f"{base}: is a folder; name its files in data.splits, or one in data.path ({files})")
        return [(base, None)]
    if not base.is_dir():
        raise UserError(f"{base}: is not a folder; with data.splits, data.path is the folder of those files")
    for name in data.given.values():
        if not (base / name).is_file():
            raise UserError(f"{base / name}: no such file; data.splits in params.yaml names it")
    return [(base / data.given[split], split) for split in SPLITS if split in data.given]


def _document(values: dict[str, Any], data: Data, split: str | None) -> tuple[str, str, str | None] | str:
    """Return (text, label, split), or the reason why the row has none."""
    text, label = _plain(values[data.text]), _plain(values[data.label])
    if not text:
        return f"empty {data.text}"
    if not label:
        return f"empty {data.label}"
    if _SURROGATES.search(text + label):
        return "half of a surrogate pair, which is no character"
    if data.split_column is not None:
        split = _plain(values[data.split_column])
        if split not in SPLITS:
            return f"{data.split_column} is {split!r}, not one of {', '.join(SPLITS)}"
    return text, label, split


def _plain(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _rows(path: Path, data: Data) -> Iterator[Row]:
    kind: str = data.format
    if kind == "auto":
        suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
        suffix = suffixes[-1] if suffixes else ""
        if suffix in OTHERS:
            raise UserError(
                f"{path}: data.format auto does not know {suffix} files: convert it, or set data.format"
            )
        kind = FORMATS.get(suffix, "lines")
    wanted = [data.text, data.label, *([data.split_column] if data.split_column else [])]
    return _READERS[kind](path, wanted)


def _lines(path: Path) -> Iterator[str]:
    """Yield the decoded lines of a plain or gzip file, their ends kept."""
    number = 0
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: line {number}: not UTF-8 (byte {error.object[error.start]:#04x}); "
            f"convert it, for example with `iconv -f latin1 -t utf-8`"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: after line {number}: the gzip data is damaged or cut short: {error}") from error


def _delimited(kind: str, delimiter: str) -> Callable[[Path, list[str]], Iterator[Row]]:
    def rows(path: Path, wanted: list[str]) -> Iterator[Row]:
        csv.field_size_limit(2**31 - 1)  # the default refuses a document of more than 128 KiB
        reader = csv.reader(_lines(path), delimiter=delimiter, strict=True)
        start = 1
        try:
            header = next(filter(None, reader), None)  # after blank lines, if any
            if header is None:
                return
            _require(path, wanted, header)
            start = reader.line_num + 1
            for fields in reader:
                if fields and len(fields) == len(header):
                    yield start, dict(zip(header, fields, strict=True))
                elif fields:
                    yield start, f"{len(fields)} fields where the header has {len(header)}"
                start = reader.line_num + 1
        except csv.Error as error:
            raise UserError(f"{path}: line {start}: not valid {kind}: {error}; check its quotes") from error

    return rows


def _jsonl(path: Path, wanted: list[str]) -> Iterator[Row]:
    first = True
    for line, content in enumerate(_lines(path), start=1):
        if not content.strip():
            continue
        try:
            values = json.loads(content)
        except json.JSONDecodeError as error:
            yield line, f"not valid JSON: {error.msg}"
            continue
        if not isinstance(values, dict):
            yield line, "not a JSON object"
            continue
        if first:
            _require(path, wanted, list(values))
            first = False
        yield line, {column: values.get(column) for column in wanted}


def _parquet(path: Path, wanted: list[str]) -> Iterator[Row]:
    try:
        _require(path, wanted, pl.read_parquet_schema(path))
        frame = pl.read_parquet(path, columns=list(dict.fromkeys(wanted)), glob=False)
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{path}: not a readable Parquet file: {str(error).splitlines()[0]}") from error
    yield from enumerate(frame.iter_rows(named=True), start=1)


def _label_text(path: Path, wanted: list[str]) -> Iterator[Row]:
    text, label = wanted[:2]
    if len(wanted) > 2:
        raise UserError(f"{path}: `label text` lines have no column {wanted[2]!r}; take data.split_column out")
    for line, content in enumerate(_lines(path), start=1):
        if content.strip():
            first, _, rest = content.strip().partition(" ")
            yield line, {label: first, text: rest}


def _require(path: Path, wanted: list[str], existing: Any) -> None:
    for column in wanted:
        if column not in existing:
            raise UserError(
                f"{path}: has no column {column!r}; it has {', '.join(repr(name) for name in existing)}: "
                "set data.text and data.label"
            )


_READERS: dict[str, Callable[[Path, list[str]], Iterator[Row]]] = {
    "csv": _delimited("CSV", ","),
    "tsv": _delimited("TSV", "\t"),
    "jsonl": _jsonl,
    "parquet": _parquet,
    "lines": _label_text,
}
