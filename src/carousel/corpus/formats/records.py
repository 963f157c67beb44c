"""Records of CSV and TSV files: fields, and the lines that they were read from."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from carousel.corpus.formats.lines import TextFile
from carousel.errors import UserError

csv.field_size_limit(2**31 - 1)  # the default refuses a document of more than 128 KiB

# A record is (line, fields or the reason why it has none, the lines that it was read from)
Record = tuple[int, list[str] | str, list[str]]


def sample(lines: list[str], delimiter: str, quoting: str) -> list[list[str]]:
    """Return the fields of a few lines, none for a row that breaks the rules: the reading itself says where."""
    if quoting == "none":
        return [line.rstrip("\r\n").split(delimiter) for line in lines]
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    while True:
        try:
            rows.append(next(reader))
        except StopIteration:
            return rows
        except csv.Error:
            rows.append([])


def records(file: TextFile, kind: str, delimiter: str, quoting: str, first_line: int) -> Iterator[Record]:
    """Yield the records from a line on, blank lines left out; a broken one of a single line has its reason.

    Raises:
        UserError: where a quoted field that spans lines is broken, or, in TSV by `auto`, there is one at all.
    """
    lines = islice(file.lines(), first_line - 1, None)
    if quoting == "none":
        for number, line in enumerate(lines, start=first_line):
            if line.strip():
                yield number, line.rstrip("\r\n").split(delimiter), [line]
        return
    raw: list[str] = []
    reader = csv.reader(_watched(lines, raw), delimiter=delimiter, strict=True)
    start = first_line
    while True:
        raw.clear()
        try:
            fields: list[str] | str = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields = f"not valid {kind}: {_plain(error)}"
            if len(raw) > 1:
                raise UserError(
                    f"{file.path}: line {start}: {fields}; close or double its quotes, or set data.quoting: none "
                    "if they are ordinary characters"
                ) from error
        if isinstance(fields, str) or len(fields) > 1 or "".join(fields).strip():  # a blank line is no row
            if kind == "TSV" and quoting == "auto" and len(raw) > 1:
                raise UserError(
                    f"{file.path}: line {start}: a quoted field runs on to line {start + len(raw) - 1}: set "
                    "data.quoting: none if quotes are ordinary characters, standard if fields may have line breaks"
                )
            yield start, fields, raw
        start += len(raw)


def _watched(lines: Iterable[str], raw: list[str]) -> Iterator[str]:
    for line in lines:
        raw.append(line)
        yield line


def _plain(error: csv.Error) -> str:
    """Return csv's complaint in words of the file, not of Python."""
    message = str(error)
    if "expected after" in message:
        return "characters after a closing quote (data.quoting: none takes quotes for characters)"
    if "unexpected end" in message:
        return "a quote is never closed"
    if "new-line" in message:
        return "a carriage return within a field that has no quotes"
    return message


def in_quotes(word: str, raw: list[str], place: int, delimiter: str) -> bool:
    """Whether a field that is one word stands in quotes in the lines of its record; csv itself does not tell."""
    if not any('"' in line for line in raw):
        return False
    edge = re.escape(delimiter)
    quoted = re.compile(rf'(^|{edge})"(\s*{re.escape(word)}\s*)"(?=[\r\n]|{edge}|$)')
    marked = [quoted.sub('\\1"\0\\2"', line) for line in raw]
    return next(csv.reader(marked, delimiter=delimiter))[place].startswith("\0")
