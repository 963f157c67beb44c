"""Behavioural cases: what a model must say of certain texts, whatever its metrics are.

After the minimum functionality and invariance tests of Ribeiro et al. 2020, "Beyond accuracy: behavioral testing of
NLP models with CheckList".
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from carousel.errors import UserError
from carousel.params import Section, read_yaml
from carousel.predictor import Predictor
from carousel.text import lines

_JSON_LINES = (".jsonl", ".ndjson")


class Case(Section):
    """A text with the label that it must get, or texts that must all get the same label, whichever that is."""

    text: str | None = None
    label: str | None = None
    same: Annotated[list[str], Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _is_one_of_the_two(self) -> "Case":
        expects = self.text is not None and self.label is not None
        if expects == (self.same is not None) or (self.text is None) != (self.label is None):
            raise ValueError("a case has `text` and `label`, or `same` with a list of texts")
        if not all(map(lines.is_encodable, (self.text or "", self.label or "", *(self.same or [])))):
            raise ValueError("half of a surrogate pair, which is no character")
        return self


@dataclass(frozen=True)
class Checked:
    """What a model did with the cases.

    Attributes:
        cases: how many there are.
        wrong: a sentence for each that went wrong, with its place in the file.
    """

    cases: int
    wrong: tuple[str, ...]


def load(path: Path) -> list[Case]:
    """Read cases from YAML (a list), or from JSONL (one a line).

    Raises:
        UserError: naming the first case that is none.
    """
    entries = _json_lines(path) if path.suffix.lower() in _JSON_LINES else _yaml(path)
    if not isinstance(entries, list) or not entries:
        raise UserError(f"{path}: should be a list of cases, each with `text` and `label`, or with `same`")
    return [_case(path, number, entry) for number, entry in enumerate(entries, 1)]


def check(predictor: Predictor, cases: list[Case]) -> Checked:
    """Predict every case."""
    texts = [text for case in cases for text in (case.same or [case.text or ""])]
    labels = iter([prediction.summary for prediction in predictor.predict(texts)])
    wrong = []
    for number, case in enumerate(cases, 1):
        if case.same:
            given = [next(labels) for _ in case.same]
            other = next((i for i, label in enumerate(given) if label != given[0]), None)
            if other is not None:
                wrong.append(
                    f"case {number}: {_quoted(case.same[0])} is {given[0]}, but {_quoted(case.same[other])} is "
                    f"{given[other]}"
                )
        elif (label := next(labels)) != case.label:
            wrong.append(f"case {number}: {_quoted(case.text or '')} is {label}, not {case.label}")
    return Checked(len(cases), tuple(wrong))


def _yaml(path: Path) -> Any:
    entries = read_yaml(path, "promotion.cases names it")
    # ruamel.yaml takes U+0085 for a line end, as YAML 1.1 did, and puts a space or nothing in its place
    if "\x85" in path.read_text(encoding="utf-8"):
        raise UserError(f'{path}: has U+0085, which YAML does not keep: write it as "\\N", or the cases as .jsonl')
    return entries


def _json_lines(path: Path) -> list[Any]:
    try:
        found = lines.read(path)
    except UserError as error:
        raise UserError(f"{error}; promotion.cases names it") from error
    entries = []
    for number, line in enumerate(found, 1):
        try:
            entries += [json.loads(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise UserError(f"{path}: line {number}: not valid JSON: {error.msg}") from error
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
            raise UserError(f"{path}: line {number}: JSON that cannot be read: {error}") from error
    return entries


def _case(path: Path, number: int, entry: Any) -> Case:
    try:
        return Case.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ")
        raise UserError(f"{path}: case {number}: {f'{where}: ' if where else ''}{message}") from error


def _quoted(text: str, most: int = 40) -> str:
    text = " ".join(text.split())
    return f"'{text if len(text) <= most else text[: most - 1] + '…'}'"
