"""A tagged sentence: an id, tokens, a tag for each token, perhaps an intent, and the split it came with, if any."""

import hashlib
import json

import polars as pl

# `id` names the sentence in every report: file and line for files, module and name for stdlib_names
SCHEMA = pl.Schema(
    [
        ("id", pl.String()),
        ("tokens", pl.List(pl.String)),
        ("tags", pl.List(pl.String)),
        ("intent", pl.String()),  # null in every sentence, or in none
        ("split", pl.String()),
    ]
)


def digest(documents: pl.DataFrame) -> str:
    """Return a SHA-256 of a split's tokens, tags and intents in order; ids and splits do not change it."""
    content = hashlib.sha256()
    for sentence in documents.select("tokens", "tags", "intent").iter_rows():
        content.update(json.dumps(sentence).encode())
    return content.hexdigest()
