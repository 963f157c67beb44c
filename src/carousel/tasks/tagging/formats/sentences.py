"""Sentences of one file, and those that could not be read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from carousel.corpus.formats import lines
from carousel.corpus.formats.lines import TextFile
from carousel.tasks.tagging.data import Data

_LINE_BREAK = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")  # half of a pair, which JSON can spell and UTF-8 cannot


@dataclass
class Sentences:
    """The sentences of one file.

    Attributes:
        lines: the line (in Parquet, the row) where each sentence begins, counted from 1.
        tokens: of each sentence, at least one.
        tags: of each sentence, as many as tokens.
        intents: of each sentence, None without one.
        rejected: line and reason of each sentence that could not be read.
        notes: what was recognised without being asked for, a line each.
    """

    lines: list[int] = field(default_factory=list)
    tokens: list[list[str]] = field(default_factory=list)
    tags: list[list[str]] = field(default_factory=list)
    intents: list[str | None] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, line: int, tokens: list[str], tags: list[str], intent: str | None = None, rows: Sequence[int] = ()
    ) -> None:
        """Add a sentence, or reject it if a token, a tag or the intent cannot be used.

        Args:
            line: where the sentence begins.
            tokens: of the sentence.
            tags: of the sentence.
            intent: of the sentence, if it has one.
            rows: the line of each token, where a token has a line of its own.
        """
        found = _unusable(tokens, tags, intent)
        if found is not None:
            place, reason = found
            self.reject(rows[place] if rows and place is not None else line, reason)
            return
        self.lines.append(line)
        self.tokens.append(tokens)
        self.tags.append(tags)
        self.intents.append(intent)

    def reject(self, line: int, reason: str) -> None:
        """Leave a sentence out."""
        self.rejected.append((line, reason))


def recognise(path: Path, data: Data) -> TextFile:
    """Find out how a file is compressed and encoded.

    Raises:
        UserError: when it is not a text file.
    """
    return lines.recognise(path, data)


def plural(count: int, noun: str) -> str:
    """Return `1 token` or `2 tokens`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _unusable(tokens: list[str], tags: list[str], intent: str | None) -> tuple[int | None, str] | None:
    """Return why a sentence cannot be used, and the place of the token to blame; None if it can be."""
    if len(tokens) != len(tags):
        return None, f"{plural(len(tokens), 'token')}, but {plural(len(tags), 'tag')}"
    if not tokens:
        return None, "no tokens"
    for noun, words in (("token", tokens), ("tag", tags)):
        for place, word in enumerate(words):
            reason = _reason(word, noun)
            if reason:
                return place, f"{reason} ({noun} {place + 1} of {len(words)})"
    if intent is not None and (reason := _reason(intent, "intent")):
        return None, reason
    return None


def _reason(word: str, noun: str) -> str | None:
    if not word or word.isspace():
        return f"empty {noun}"
    if "\0" in word:
        return f"a NUL character in a{'n' if noun == 'intent' else ''} {noun}"
    if not word.isascii() and _SURROGATE.search(word):
        return "half of a surrogate pair, which is no character"
    if noun != "token" and _LINE_BREAK.search(word):
        return f"a line break in a{'n' if noun == 'intent' else ''} {noun}"
    return None
