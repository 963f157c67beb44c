"""Files of labelled documents for tests: written in every format, read, or refused."""

import csv
import io
import json

import polars as pl

from carousel.tasks.classification.data import Data
from carousel.tasks.classification.document import SCHEMA
from carousel.tasks.classification.labelled_files import read
from tests.support.reading import Reading

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


reading = Reading(Data, read, SCHEMA, ("text", "label"))
read_file, refused = reading.read_file, reading.refused
