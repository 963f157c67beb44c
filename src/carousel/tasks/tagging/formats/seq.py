"""Folders of parallel files: tokens in `seq.in`, tags in `seq.out` and perhaps intents in `label`, by line."""

import re
from pathlib import Path

from carousel.errors import UserError
from carousel.tasks.tagging.data import Column, Data
from carousel.tasks.tagging.formats.sentences import Sentences, recognise

TOKENS, TAGS, INTENTS = "seq.in", "seq.out", "label"
_BLANKS = re.compile("[ \t]+")


def read(folder: Path, data: Data) -> Sentences:
    """Read a sentence from each line; tokens and tags are separated by spaces or tabs.

    A line that is blank in each file is skipped.

    Raises:
        UserError: when a file is missing, or two differ in their number of lines.
    """
    tokens = _lines(folder, "tokens", data.tokens, TOKENS, data)
    tags = _lines(folder, "tags", data.tags, TAGS, data)
    intents: list[str] | None = None
    if data.intent is not None and (data.intent != "auto" or (folder / INTENTS).exists()):
        intents = _lines(folder, "intent", data.intent, INTENTS, data)
    for name, lines in ((data.tags, tags), (data.intent, intents)):
        if lines is not None and len(lines) != len(tokens):
            shown = name if name != "auto" else TAGS if lines is tags else INTENTS
            raise UserError(
                f"{folder}: {_name(data.tokens, TOKENS)} has {len(tokens)} lines, {shown} has {len(lines)}; line n "
                "of each should belong to the same sentence"
            )
    sentences = Sentences()
    for number, (words, labels) in enumerate(zip(tokens, tags, strict=True), start=1):
        intent = None if intents is None else intents[number - 1].strip()
        if words or labels or intent:
            sentences.add(number, _split(words), _split(labels), intent)
    return sentences


def _lines(folder: Path, role: str, name: Column | None, default: str, data: Data) -> list[str]:
    """Return a file's lines, without blanks around them and without blank ones at the end."""
    path = folder / _name(name, default)
    if not path.is_file():
        raise UserError(f"{path}: no such file; data.{role} in params.yaml names it")
    lines = [line.strip(" \t\r\n") for line in recognise(path, data).lines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _name(name: Column | None, default: str) -> str:
    return default if name == "auto" else str(name)


def _split(line: str) -> list[str]:
    return _BLANKS.split(line) if line else []
