"""What a document is: an id, a text, a label, and the split that it came with, if any."""

import hashlib
import json

import polars as pl

# `id` names the document in every report: file and line for files, module and name for stdlib_docs
SCHEMA = pl.Schema({"id": pl.String, "text": pl.String, "label": pl.String, "split": pl.String})


def digest(documents: pl.DataFrame) -> str:
    """Return a SHA-256 of a split's texts and labels in order, wherever and under whatever ids they were read."""
    content = hashlib.sha256()
    for text, label in documents.select("text", "label").iter_rows():
        content.update(json.dumps([text, label]).encode())
    return content.hexdigest()
