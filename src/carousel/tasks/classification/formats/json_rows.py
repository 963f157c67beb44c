"""JSON: one object a line, or one array of objects. Numbers keep the spelling that they have in the file."""

import json
import re
from typing import Any

from carousel.corpus.formats.columns import named
from carousel.corpus.formats.lines import TextFile
from carousel.errors import UserError
from carousel.tasks.classification.data import Column, Data
from carousel.tasks.classification.formats.rows import Rows, roles, title

MAX_DIGITS = 4000  # of a number; Python itself refuses to convert more than 4300
_ARRAY = re.compile(r"\s*\[\s*(\{|$)")
_SPACE = re.compile(r"\s*")
# JSON can spell half of a surrogate pair, UTF-8 cannot
_SURROGATES = re.compile("[\ud800-\udfff]")


class _Object(dict[str, Any]):
    """A JSON object that remembers why it cannot be a row: a key that it had twice, or an endless number."""

    reason: str | None = None


class _LongNumber(str):
    """The spelling of a number that no label is."""

    __slots__ = ()


class _Bad(ValueError):  # noqa: N818 - it is a row's reason, not an error of the program
    """The reason why a row cannot be used."""


def read_any(file: TextFile, data: Data) -> Rows:
    """Read an array of objects, or an object a line, whichever it is.

    Raises:
        UserError: when it is neither.
    """
    if file.sample.lstrip().startswith("["):
        return read_array(file, data)
    first = file.first_lines(1)
    if first and not is_object(first[0]):
        raise UserError(
            f"{file.path}: is neither an array of objects nor an object a line: write it as one of them"
        )
    return read_lines(file, data)


def is_object(line: str) -> bool:
    """Whether a line is a JSON object."""
    try:
        return isinstance(_DECODER.decode(line), dict)
    except (ValueError, RecursionError):
        return False


def read_lines(file: TextFile, data: Data) -> Rows:
    """Read one object a line.

    Raises:
        UserError: when the file is one array, or none of its objects has a key that is needed.
    """
    table = _Table(file, data)
    first = True
    for line, content in enumerate(file.lines(), start=1):
        if not content.strip():
            continue
        if first and _ARRAY.match(content):
            raise UserError(f"{file.path}: is one JSON array, not an object a line: set data.format: json")
        first = False
        try:
            table.add(line, _DECODER.decode(content))
        except (ValueError, RecursionError) as error:
            table.rows.reject(line, _reason(error))
    return table.finish()


def read_array(file: TextFile, data: Data) -> Rows:
    """Read one array of objects.

    Raises:
        UserError: where it is not valid JSON: what follows cannot be read, either.
    """
    table = _Table(file, data)
    content = "".join(file.lines())
    place, counted, line = _next(content, _next(content, 0) + 1), 0, 1
    try:
        while content[place : place + 1] != "]":
            line += content.count("\n", counted, place)
            counted = place
            value, place = _DECODER.raw_decode(content, place)
            try:
                table.add(line, value)
            except _Bad as bad:
                table.rows.reject(line, str(bad))
            place = _next(content, place)
            if content[place : place + 1] == ",":
                place = _next(content, place + 1)
            elif content[place : place + 1] != "]":
                raise json.JSONDecodeError("Expecting ',' or ']'", content, place)
        if content[_next(content, place + 1) :]:
            raise json.JSONDecodeError("Extra data", content, _next(content, place + 1))
    except (ValueError, RecursionError) as error:
        where = error.lineno if isinstance(error, json.JSONDecodeError) else line
        raise UserError(f"{file.path}: line {where}: {_reason(error)}") from error
    return table.finish()


class _Table:
    """The rows that are gathered from a file's objects."""

    def __init__(self, file: TextFile, data: Data) -> None:
        self.file = file
        self.keys = {role: _key(file, column) for role, column in roles(data).items()}
        self.values: dict[str, list[str | None]] = {role: [] for role in self.keys}
        self.rows = Rows()
        self.found: set[str] = set()
        self.first: list[str] | None = None

    def add(self, line: int, value: Any) -> None:
        """Add an object; raises _Bad when it is none, or a text or label is no single value."""
        if not isinstance(value, _Object):
            raise _Bad("not a JSON object")
        if value.reason is not None:
            raise _Bad(value.reason)
        if self.first is None:
            self.first = list(value)
        if len(self.found) < len(self.keys):
            self.found.update(role for role, key in self.keys.items() if key in value)
        spelled = {role: _spelled(key, value.get(key)) for role, key in self.keys.items()}
        self.rows.lines.append(line)
        for role, text in spelled.items():
            self.values[role].append(text)

    def finish(self) -> Rows:
        """Return the rows; raises a UserError when no object has a key that is needed."""
        for role, key in self.keys.items():
            if self.first is not None and role not in self.found:
                known = named([_printable(name) for name in self.first])
                raise UserError(
                    f"{self.file.path}: has no column {key!r}; it has {known}: set data.text and data.label"
                )
        self.rows.values = dict(self.values)
        return self.rows


def _key(file: TextFile, column: Column) -> str:
    if isinstance(column, int):
        raise UserError(f"{file.path}: JSON has keys, not numbered columns: give the key instead of {column}")
    return column


def _spelled(key: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        raise _Bad(f"{title(key)} is {'a list' if isinstance(value, list) else 'an object'}")
    text = str(value)
    if not text.isascii() and _SURROGATES.search(text):
        raise _Bad("half of a surrogate pair, which is no character")
    return text


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    value = _Object(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        value.reason = f"the key {_printable(twice)!r} occurs twice"
    for number in value.values():
        if type(number) is _LongNumber:
            value.reason = f"a number of {len(number)} digits"
    return value


def _number(spelling: str) -> str:
    return spelling if len(spelling) <= MAX_DIGITS else _LongNumber(spelling)


def _printable(name: str) -> str:
    return _SURROGATES.sub("\ufffd", name)


def _constant(spelling: str) -> str | None:
    return None if spelling == "NaN" else spelling


def _next(content: str, place: int) -> int:
    found = _SPACE.match(content, place)
    return found.end() if found else place


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_constant
)
