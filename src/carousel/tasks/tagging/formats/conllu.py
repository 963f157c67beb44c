"""CoNLL-U, the format of Universal Dependencies (https://universaldependencies.org/format.html)."""

import re

from carousel.corpus.formats.lines import TextFile
from carousel.errors import UserError
from carousel.tasks.tagging.data import Column, Data
from carousel.tasks.tagging.formats.sentences import Sentences, plural

FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
MEANINGFUL_EMPTY = ("feats",)  # `_` is a value here: no features; elsewhere it is a missing annotation
_WORD = re.compile("[0-9]+")
_OTHER = re.compile("[0-9]+[-.][0-9]+")  # a multiword token's range, 1-2, or an empty node, 1.1


def read(file: TextFile, data: Data) -> Sentences:
    """Read the syntactic words: multiword tokens and empty nodes are skipped, their parts are words of their own.

    Raises:
        UserError: when data.tokens or data.tags names no field, or the treebank lacks its text.
    """
    token = _place(file, "tokens", data.tokens, "form")
    tag = _place(file, "tags", data.tags, "upos")
    sentences = Sentences()
    start = 0  # the first line of the current sentence
    tokens: list[str] = []
    tags: list[str] = []
    rows: list[int] = []
    broken = False  # whether the current sentence was rejected already
    for number, line in enumerate(file.lines(), start=1):
        if not line.strip():
            if rows and not broken:
                sentences.add(start, tokens, tags, rows=rows)
            start, tokens, tags, rows, broken = 0, [], [], [], False
            continue
        if broken or line.startswith("#"):
            continue
        fields = line.rstrip("\r\n").split("\t")
        start = start or number
        if len(fields) == len(FIELDS) and _OTHER.fullmatch(fields[0]):
            continue
        reason = _unusable(fields, len(rows), tag)
        if reason is not None:
            sentences.reject(number, reason)
            broken = True
            continue
        tokens.append(fields[token])
        tags.append(fields[tag])
        rows.append(number)
    if rows and not broken:
        sentences.add(start, tokens, tags, rows=rows)
    if sentences.tokens and all(word == "_" for words in sentences.tokens for word in words):
        raise UserError(
            f"{file.path}: every word is _: the treebank is published without its text; its documentation says how "
            "to add it"
        )
    return sentences


def _unusable(fields: list[str], before: int, tag: int) -> str | None:
    """Return why a line is no word that follows `before` others."""
    if len(fields) != len(FIELDS):
        return f"{plural(len(fields), 'column')}, separated by tabs, where CoNLL-U has {len(FIELDS)}"
    if not _WORD.fullmatch(fields[0]):
        return f"id {fields[0]!r} is not a number"
    if int(fields[0]) != before + 1:
        missing = ": a blank line may be missing" if int(fields[0]) == 1 else ""
        return f"id {fields[0]} where {before + 1} should follow{missing}"
    if fields[tag] == "_" and FIELDS[tag] not in MEANINGFUL_EMPTY:
        return f"{FIELDS[tag]} is _, a missing value"
    return None


def _place(file: TextFile, role: str, column: Column, default: str) -> int:
    """Return a field's index."""
    if isinstance(column, int) and column <= len(FIELDS):
        return column - 1
    name = default if column == "auto" else str(column).lower()
    if name not in FIELDS:
        raise UserError(f"{file.path}: CoNLL-U has no column {column!r}; data.{role} is one of {', '.join(FIELDS)}")
    return FIELDS.index(name)
