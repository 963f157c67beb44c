"""CoNLL files: a token and its tag in columns of one line, and a blank line after each sentence."""

import re
from collections import Counter
from collections.abc import Iterable

from carousel.corpus.formats.lines import TextFile
from carousel.errors import UserError
from carousel.tasks.tagging.data import Column, Data
from carousel.tasks.tagging.formats.sentences import Sentences, plural

DOCUMENT_START = "-DOCSTART-"
_BLANKS = re.compile("[ \t]+")
_COMMENT = re.compile("#[ \t]")


def read(file: TextFile, data: Data) -> Sentences:
    """Read a token and a tag from each line.

    Columns are separated by tabs if most lines have one (a token may then contain spaces), otherwise by spaces or
    tabs. The number of columns is that of most lines; a sentence in which a line has another number is rejected.
    Lines that begin with -DOCSTART- are skipped. So are comments: lines before a sentence's first token that begin
    with `# ` and have another number of columns, or, without tabs, a tag that no other line has.

    Raises:
        UserError: when there is one column only, or a column that data.tokens or data.tags names is missing.
    """
    first = file.first_lines()
    sample = [line for line in first if not line.startswith(DOCUMENT_START) and not _COMMENT.match(line)] or first
    sentences = Sentences()
    if not sample:
        return sentences
    tabs = sum("\t" in line for line in sample) * 2 > len(sample)
    width = Counter(len(_columns(line, tabs)) for line in sample).most_common(1)[0][0]
    _check(file, sample[0], width, tabs)
    token, tag = _place(file, "tokens", data.tokens, 1, width), _place(file, "tags", data.tags, width, width)
    if token == tag:
        raise UserError(f"{file.path}: data.tokens and data.tags both are column {token + 1}: change one")
    lines = list(file.lines())
    known = _tags(lines, tabs, width, tag)
    rows: list[tuple[int, str, str]] = []  # of the current sentence: line, token, tag
    broken = False  # whether the current sentence was rejected already
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(DOCUMENT_START):
            _finish(sentences, rows)
            broken = False
            continue
        columns = _columns(line, tabs)
        comment = _COMMENT.match(line) and (len(columns) != width or not (tabs or columns[tag] in known))
        if comment and not rows and not broken:
            continue
        if len(columns) == width:
            rows.append((number, columns[token], columns[tag]))
        elif not broken:
            sentences.reject(number, f"{plural(len(columns), 'column')} where most lines have {width}")
            broken = True
        if broken:
            rows.clear()
    _finish(sentences, rows)
    return sentences


def _finish(sentences: Sentences, rows: list[tuple[int, str, str]]) -> None:
    """Add the current sentence, if there is one, and begin the next."""
    if rows:
        lines, tokens, tags = map(list, zip(*rows, strict=True))
        sentences.add(lines[0], tokens, tags, rows=lines)
        rows.clear()


def _columns(line: str, tabs: bool) -> list[str]:
    line = line.rstrip("\r\n")
    return [column.strip(" ") for column in line.split("\t")] if tabs else _BLANKS.split(line.strip(" \t"))


def _tags(lines: Iterable[str], tabs: bool, width: int, tag: int) -> set[str]:
    """Return the tags of the lines that cannot be comments."""
    rows = (_columns(line, tabs) for line in lines if not _COMMENT.match(line))
    return {columns[tag] for columns in rows if len(columns) == width}


def _check(file: TextFile, first: str, width: int, tabs: bool) -> None:
    if width == 1:
        raise UserError(
            f"{file.path}: has one column only ({first.strip()[:40]!r}); each line should have a token and a tag"
        )
    if width == 10 and tabs and first.split("\t", maxsplit=1)[0].isdecimal():
        raise UserError(
            f"{file.path}: looks like CoNLL-U (10 columns, the first a number): set data.format: conllu"
        )


def _place(file: TextFile, role: str, column: Column, default: int, width: int) -> int:
    """Return a column's index."""
    if column == "auto":
        return default - 1
    if isinstance(column, str):
        raise UserError(
            f"{file.path}: CoNLL has numbered columns, no names: data.{role} is a number from 1 to {width}, "
            f"not {column!r}"
        )
    if column > width:
        raise UserError(f"{file.path}: has {width} columns, no column {column}: change data.{role}")
    return column - 1
