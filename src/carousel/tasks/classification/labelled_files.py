"""A user's own files: CSV, TSV, JSON, JSONL, Parquet, or `label text` lines, plain or compressed."""

from pathlib import Path

import polars as pl

from carousel.corpus.document import SPLITS, Collected, Rejected
from carousel.corpus.formats.endings import OTHERS, ending
from carousel.corpus.formats.lines import recognise
from carousel.corpus.input_files import input_files
from carousel.errors import UserError
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.document import SCHEMA
from carousel.tasks.classification.formats import delimited, json_rows, label_lines, parquet
from carousel.tasks.classification.formats.rows import Rows, roles, title

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# What Python's str.strip() takes for white space: a little more than Unicode's property
_BLANK = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_VISIBLE = r"[^\s\p{Cc}\p{Cf}]"  # a text of zero-width characters alone is empty
_LINE_BREAK = r"[\n\r\x0b\x0c\x85\u2028\u2029]"


def read(data: Data, root: Path) -> Collected:
    """Read the file `data.path`, or the files that `data.splits` names in the folder `data.path`.

    Raises:
        UserError: for a missing, empty, unreadable or wrongly encoded file, or a missing column.
    """
    frames, rejected, notes = [pl.DataFrame(schema=SCHEMA)], [], []
    for path, split in input_files(data, root):
        rows = _rows(path, data)
        if not rows.lines and not rows.rejected:
            raise UserError(f"{path}: is empty; it should hold at least a text and a label")
        documents, unusable = _documents(rows, data, path.name, split)
        frames.append(documents)
        rejected += [Rejected(path.name, line, reason) for line, reason in sorted([*rows.rejected, *unusable])]
        notes += rows.notes
    return Collected(pl.concat(frames), rejected, notes)


def _rows(path: Path, data: Data) -> Rows:
    kind: str = data.format
    suffix = ""
    if kind == "auto":
        suffix = ending(path)
        kind = FORMATS.get(suffix, "lines")
    if kind == "parquet":
        return parquet.read(path, data)
    file = recognise(path, data)  # what the content is comes before what the ending says
    if suffix in OTHERS:
        raise UserError(f"{path}: data.format auto does not know {suffix} files: convert it, or set data.format")
    if kind in ("csv", "tsv"):
        return delimited.read(file, data, kind.upper())
    if kind == "json":
        return json_rows.read_any(file, data)
    return json_rows.read_lines(file, data) if kind == "jsonl" else label_lines.read(file, data)


def _documents(rows: Rows, data: Data, name: str, split: str | None) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """Return the documents among the rows, and line and reason of the others."""
    names = {role: title(column) for role, column in roles(data).items()}
    text, label = pl.col("text"), pl.col("label")
    frame = pl.DataFrame(
        {"line": rows.lines, **rows.values}, schema={"line": pl.Int64, **dict.fromkeys(names, pl.String)}
    ).with_columns(pl.col(*names).str.strip_chars(_BLANK))
    # fastText's prefix may have come along into any format
    prefixed = label.str.starts_with(label_lines.PREFIX)
    several = prefixed & (
        label.str.contains(rf"\s{label_lines.PREFIX}") | text.str.contains(rf"(^|\s){label_lines.PREFIX}\S")
    )
    frame = frame.with_columns(several=several, label=label.str.strip_prefix(label_lines.PREFIX))
    reasons = [
        pl.when(~pl.col(role).str.contains(_VISIBLE).fill_null(False)).then(pl.lit(f"empty {names[role]}"))
        for role in ("text", "label")
    ]
    if data.missing != "auto":
        reasons += [
            pl.when(pl.col(role).is_in(data.missing)).then(
                pl.format(
                    f"{names[role].replace('{', '{{').replace('}', '}}')} is {{}}, a word of data.missing", role
                )
            )
            for role in ("text", "label")
        ]
    reasons += [
        pl.when(pl.col(role).str.contains("\0", literal=True)).then(pl.lit(f"a NUL character in {names[role]}"))
        for role in ("text", "label")
    ]
    reasons.append(pl.when(label.str.contains(_LINE_BREAK)).then(pl.lit(f"a line break in {names['label']}")))
    reasons.append(pl.when(pl.col("several")).then(pl.lit("several labels; a text can have one")))
    frame = frame.with_columns(reason=pl.coalesce(reasons))
    kept = frame.filter(pl.col("reason").is_null())
    unusable = list(frame.filter(pl.col("reason").is_not_null()).select("line", "reason").iter_rows())
    if "split" in names:
        known = pl.col("split").is_in(SPLITS).fill_null(False)
        unusable += [
            (line, f"{names['split']} is {value or ''!r}, not one of {', '.join(SPLITS)}")
            for line, value in kept.filter(~known).select("line", "split").iter_rows()
        ]
        kept = kept.filter(known)
    else:
        kept = kept.with_columns(split=pl.lit(split, pl.String))
    ids = pl.lit(f"{name}:") + pl.col("line").cast(pl.String)
    return kept.select(ids.alias("id"), "text", "label", "split"), unusable
