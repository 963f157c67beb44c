"""JSON Lines and Parquet: a list of tokens and a list of tags in each row, and perhaps an intent."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from carousel.corpus.formats import recognition
from carousel.corpus.formats.columns import named
from carousel.corpus.formats.lines import TextFile
from carousel.errors import UserError
from carousel.tasks.tagging.data import Column, Data
from carousel.tasks.tagging.formats.sentences import Sentences

Row = tuple[int, dict[str, Any] | str]  # line, and a row or the reason why it is none
_KINDS: tuple[tuple[type, str], ...] = (
    (str, "a string"),
    (bool, "a boolean"),  # before int, of which bool is a subclass
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "an object"),
    (bytes, "bytes"),
)


def read_json(file: TextFile, data: Data) -> Sentences:
    """Read one object a line.

    Raises:
        UserError: when the file is one array, or none of its objects has a key that the params name.
    """
    roles = _roles(file.path, data)
    return _sentences(file.path, list(_objects(file)), roles, _optional(data))


def read_parquet(path: Path, data: Data) -> Sentences:
    """Read one row a sentence.

    Raises:
        UserError: when it is not a Parquet file, or lacks a column that the params name.
    """
    roles = _roles(path, data)
    try:
        with path.open("rb") as file:  # a path would be taken for a pattern
            names = list(pl.read_parquet_schema(file))
        wanted = [name for name in roles.values() if name in names]
        with path.open("rb") as file:
            frame = pl.read_parquet(file, columns=wanted)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file: {recognition.parquet_fault(path, error)}") from error
    _check(path, roles, set(names), names, _optional(data))
    columns = {name: frame[name].to_list() for name in wanted}
    rows: Iterable[Row] = (
        (number + 1, {name: values[number] for name, values in columns.items()}) for number in range(frame.height)
    )
    return _sentences(path, list(rows), roles, optional={"intent"})


def _roles(path: Path, data: Data) -> dict[str, str]:
    """Return the key of each role."""
    given: dict[str, Column | None] = {"tokens": data.tokens, "tags": data.tags, "intent": data.intent}
    roles = {}
    for role, column in given.items():
        if isinstance(column, int):
            raise UserError(f"{path}: data.{role}: give the name of the column instead of the number {column}")
        if column is not None:
            roles[role] = role if column == "auto" else column
    return roles


def _optional(data: Data) -> set[str]:
    """Return the roles whose column may be missing."""
    return {"intent"} if data.intent == "auto" else set()


def _sentences(path: Path, rows: list[Row], roles: dict[str, str], optional: set[str]) -> Sentences:
    objects = [row for _, row in rows if not isinstance(row, str)]
    if objects:
        _check(path, roles, set().union(*objects), list(objects[0]), optional)
    sentences = Sentences()
    for line, row in rows:
        if isinstance(row, str):
            sentences.reject(line, row)
            continue
        tokens, tags = row.get(roles["tokens"]), row.get(roles["tags"])
        intent = row.get(roles["intent"]) if "intent" in roles else None
        reason = _not_strings(roles["tokens"], tokens) or _not_strings(roles["tags"], tags)
        if reason is None and not (intent is None or isinstance(intent, str)):
            reason = f"{roles['intent']} is {_kind(intent)}, not a string"
        if reason is not None:
            sentences.reject(line, reason)
        else:
            sentences.add(line, tokens or [], tags or [], intent)
    return sentences


def _check(path: Path, roles: dict[str, str], known: set[str], shown: list[str], optional: set[str]) -> None:
    for role, key in roles.items():
        if key not in known and role not in optional:
            raise UserError(f"{path}: has no column {key!r}; it has {named(shown)}: set data.{role}")


def _not_strings(key: str, value: Any) -> str | None:
    """Return why a value is no list of strings."""
    if not isinstance(value, list):
        return f"{key} is {_kind(value)}, not a list"
    for place, item in enumerate(value, start=1):
        if not isinstance(item, str):
            return f"{key} has {_kind(item)} where a string should be (item {place} of {len(value)})"
    return None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return next((kind for type_, kind in _KINDS if isinstance(value, type_)), f"of type {type(value).__name__}")


def _objects(file: TextFile) -> Iterator[Row]:
    first = True
    for line, content in enumerate(file.lines(), start=1):
        if not content.strip():
            continue
        try:
            value: Any = json.loads(content, object_pairs_hook=_object)
        except json.JSONDecodeError as error:
            if first and content.strip() == "[":
                raise UserError(_array(file.path)) from error
            yield line, f"not valid JSON: {error.msg}"
        except ValueError as error:  # a key that occurs twice, a number of thousands of digits
            yield line, str(error)
        except RecursionError:
            yield line, "nested too deeply"
        else:
            if first and isinstance(value, list) and value and isinstance(value[0], dict):
                raise UserError(_array(file.path))
            yield line, value if isinstance(value, dict) else "not a JSON object"
        first = False


def _array(path: Path) -> str:
    return f"{path}: is one JSON array; write one object a line"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!a} occurs twice")
    return value
