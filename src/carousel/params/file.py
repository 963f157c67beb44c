"""params.yaml and artifacts/hparams.yaml as files, and what is wrong with one, in a line."""

from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from carousel import layout, task_modules
from carousel.errors import UserError
from carousel.params.schema import Hparams, Params
from carousel.params.sections import Section
from carousel.params.space import FORMS
from carousel.params.suggestions import nearest

DEFAULT_TASK = "classification"

S = TypeVar("S", bound=Section)


def load(path: Path = layout.PARAMS) -> Params:
    """Read and check params.yaml, by the sections of the task that it names.

    Raises:
        UserError: naming the first wrong key or value, what it should be, and the nearest real key.
    """
    return checked(read_yaml(path, "write one, or run from the project's root"), path)


def checked(content: Any, path: Path) -> Params:
    """Check the content of params.yaml, by the sections of the task that it names.

    Raises:
        UserError: as `load`.
    """
    schema: type[Params] = _sections(content, path).Params
    try:
        return validated(schema, content, str(path))
    except UserError as error:
        if (other := _written_for(content)) is not None:
            raise UserError(
                f"{path}: task is {content['task']}, but the other keys are those of {other}: `carousel use "
                f"{content['task']}` writes all of presets/{content['task']}.yaml"
            ) from error
        raise


def _written_for(content: Any) -> str | None:
    """Return another task, whose sections the content has."""
    for task in task_modules.TASKS:
        try:
            task_modules.module(task, "params").Params.model_validate({**content, "task": task})
        except (ValidationError, TypeError):
            continue
        return task
    return None


def load_hparams(path: Path = layout.HPARAMS) -> Hparams:
    """Read the hyperparameters that the sweep stage wrote.

    Raises:
        UserError: when they are missing or were edited into something wrong.
    """
    content = read_yaml(path, "`dvc repro sweep` writes it")
    schema: type[Hparams] = _sections(content, path).Hparams
    return validated(schema, content, str(path))


def hparams_from(content: dict[str, Any]) -> Hparams:
    """Return the hyperparameters of the task that the content names; it was written by `model_dump`."""
    schema: type[Hparams] = task_modules.module(content["task"], "params").Hparams
    return schema.model_validate(content)


def _sections(content: Any, path: Path) -> ModuleType:
    """Return the module with the sections of the task that a file names."""
    task = content.get("task", DEFAULT_TASK) if isinstance(content, dict) else DEFAULT_TASK
    try:
        return task_modules.module(task, "params")
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def validated(schema: type[S], content: Any, where: str) -> S:
    """Check content that was read from a file.

    Raises:
        UserError: naming the file `where` and its first wrong key or value.
    """
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(schema, error)}") from error


def read_yaml(path: Path, when_missing: str) -> Any:
    """Read YAML 1.2, the dialect that DVC reads (`1e-3` is a number, `no` a string)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; {when_missing}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise UserError(f"{path}: YAML that cannot be read: {error}") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise UserError(f"{path}: {line}not valid YAML: {problem}") from error


def _explain(schema: type[Section], error: ValidationError) -> str:
    """Turn pydantic's first complaint into one line for the person who wrote the file."""
    errors = error.errors()
    first = errors[0]
    # pydantic adds union members' names ("list[union[...]]", "Range") to the location: keep the keys
    parts = [str(part) for part in first["loc"] if not (isinstance(part, str) and "[" in part)]
    where = ".".join(parts)
    if first["type"] == "extra_forbidden":
        form = next((FORMS[part] for part in reversed(first["loc"]) if part in FORMS), None)
        if form is not None:
            return f"{where}: unknown key; known here: {', '.join(form.model_fields)}"
        return f"{where}: unknown key{nearest(where, _keys(schema))}"
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "value_error":
        return (
            message
            if message.startswith(tuple(f"{key}." for key in schema.model_fields))
            else f"{where}: {message}"
        )
    if first["type"] == "model_type":
        return f"{where or 'the file'}: should be a mapping of keys to values, not {first['input']!r}"
    return f"{where}: {message[0].lower()}{message[1:]}, not {first['input']!r}"


def _keys(schema: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in schema.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation, f"{prefix}{name}.")
    return keys
