"""What a sweep may search, as `sweep.space` of params.yaml says it: choices and ranges, with conditions."""

from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any

from pydantic import Discriminator, Tag, model_validator
from pydantic.fields import FieldInfo

from carousel.params.sections import Section
from carousel.task_modules import TASKS, module


class Between(Section):
    """The values of another key, both ends included, with which a key of `sweep.space` is searched."""

    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> "Between":
        if self.low is None and self.high is None:
            raise ValueError("says neither low nor high")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        return self


Scalar = bool | int | float | str
Scalars = Annotated[list[Scalar], Tag("[list]")]  # tags in brackets: `_explain` leaves them out of a key's name
Wanted = Annotated[
    Scalars | Annotated[Between, Tag("[between]")], Discriminator(lambda given: _kind(given, "between"))
]


class Choices(Section):
    """Choices of `sweep.space` that are searched only with some values of other keys.

    Attributes:
        choices: one of these.
        when: for each other key of the space, the values with which this one is searched.
    """

    choices: list[Scalar]
    when: dict[str, Wanted] = {}


class Range(Section):
    """A numeric range of `sweep.space`: uniform, or logarithmic, or in steps.

    Attributes:
        low: the lowest value.
        high: the highest value.
        log: whether every order of magnitude is as likely.
        step: between two values.
        when: as for `Choices`.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: dict[str, Wanted] = {}

    @model_validator(mode="after")
    def _is_a_range(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("a log range starts above 0 and has no step")
        if self.step is not None and self.step <= 0:
            raise ValueError("step must be above 0")
        return self


def _kind(given: Any, mapping: str) -> str:
    """Return the tag of the form that was written: a list, or a mapping."""
    if isinstance(given, list) or not isinstance(given, dict | Section):
        return "[list]"
    has_choices = "choices" in given if isinstance(given, dict) else isinstance(given, Choices)
    return "[choices]" if has_choices and mapping == "range" else f"[{mapping}]"


Searched = Annotated[
    Scalars | Annotated[Choices, Tag("[choices]")] | Annotated[Range, Tag("[range]")],
    Discriminator(lambda given: _kind(given, "range")),
]
FORMS: dict[Any, type[Section]] = {"[between]": Between, "[choices]": Choices, "[range]": Range}  # by tag
Space = dict[str, Searched]


def choices(searched: Searched) -> list[Scalar]:
    """Return the choices of a list, with or without a condition; a range has none."""
    if isinstance(searched, Range):
        return []
    return searched.choices if isinstance(searched, Choices) else searched


def conditions(searched: Searched) -> dict[str, Wanted]:
    """Return the other keys' values with which a key is searched; none is always."""
    return {} if isinstance(searched, list) else searched.when


def meets(value: Scalar, wanted: Wanted) -> bool:
    """Whether another key's value is one of those that a condition wants."""
    if isinstance(wanted, list):
        return value in wanted
    above = wanted.low is None or (not isinstance(value, str) and value >= wanted.low)
    below = wanted.high is None or (not isinstance(value, str) and value <= wanted.high)
    return above and below


def parents_first(space: Space) -> list[str]:
    """Return the space's keys so that each comes after those that its condition names.

    Raises:
        ValueError: when conditions go round in a circle.
    """
    try:
        order = TopologicalSorter({key: conditions(searched) for key, searched in space.items()}).static_order()
        ranks = {key: rank for rank, key in enumerate(order)}
    except CycleError as error:
        raise ValueError(f"sweep.space: conditions go round in a circle: {' -> '.join(error.args[1])}") from error
    conditional = any(conditions(searched) for searched in space.values())
    return sorted(space, key=lambda key: ranks[key]) if conditional else list(space)


def check_conditions(space: Space) -> None:
    """Raise a ValueError when a condition can never hold, or conditions go round in a circle."""
    for key, searched in space.items():
        for other, wanted in conditions(searched).items():
            if other not in space:
                raise ValueError(f"sweep.space.{key}.when.{other}: {other} is not in sweep.space: add it there")
            parent = space[other]
            possible = choices(parent)
            if isinstance(parent, Range):
                edges = wanted if isinstance(wanted, list) else [max(wanted.low or parent.low, parent.low)]
                possible = [
                    edge for edge in edges if not isinstance(edge, str) and parent.low <= edge <= parent.high
                ]
            if not any(meets(value, wanted) for value in possible):
                raise ValueError(
                    f"sweep.space.{key}.when.{other}: no value that sweep.space.{other} can have is there"
                )
    parents_first(space)


def is_whole(key: str) -> bool:
    """Whether a key of `model` or `train` is a whole number; a key that several tasks have is so in all of them."""
    section, name = key.split(".")
    for task in TASKS:
        fields: dict[str, FieldInfo] = module(task, "params").Hparams.model_fields[section].annotation.model_fields
        if name in fields:
            return fields[name].annotation is int
    return False
