"""Files of labelled documents for tests: written in every format, read, or refused."""

import csv
import io
import json

import polars as pl
import pytest

from carousel.errors import UserError
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.document import SCHEMA
from carousel.tasks.classification.labelled_files import read

PAIRS = [("good, really", "pos"), ('"so so"', "neu"), ("bad; not for me", "neg"), ("café 😀", "pos")]


def delimited(pairs, delimiter):
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("text", "label"), *pairs])
    return written.getvalue().encode()


def parquet(pairs):
    written = io.BytesIO()
    pl.DataFrame(pairs, schema={"text": pl.String, "label": pl.String}, orient="row").write_parquet(written)
    return written.getvalue()


WRITERS = {
    ".csv": lambda pairs: delimited(pairs, ","),
    ".tsv": lambda pairs: delimited(pairs, "\t"),
    ".jsonl": lambda pairs: "".join(f"{json.dumps({'text': a, 'label': b})}\n" for a, b in pairs).encode(),
    ".ndjson": lambda pairs: "\n".join(json.dumps({"label": b, "text": a, "id": 1}) for a, b in pairs).encode(),
    ".txt": lambda pairs: "".join(f"{b} {a}\n" for a, b in pairs).encode(),
    "": lambda pairs: "\r\n".join(f"{b} {a}" for a, b in pairs).encode(),
    ".parquet": parquet,
}
FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "lines", "": "lines"}


def put(folder, name, content):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def read_file(folder, name, content, **data):
    """Write one file and read it: ([(text, label), …], {line: reason})."""
    put(folder, name, content)
    collected = read(Data(source="file", path=name, **data), folder)
    assert collected.documents.schema == SCHEMA
    assert {row.file for row in collected.rejected} <= {name}
    return collected.documents.select("text", "label").rows(), {row.line: row.reason for row in collected.rejected}


def refused(folder, name, content, **data):
    """Return the message that a file leads to, which begins with its path."""
    with pytest.raises(UserError) as error:
        read_file(folder, name, content, **data)
    message = str(error.value)
    assert message.startswith(f"{folder / name}: ")
    assert "\n" not in message
    return message.removeprefix(f"{folder / name}: ")
