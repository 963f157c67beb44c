"""The search space: `sweep.space` of params.yaml, as Optuna's suggestions."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import optuna

from carousel.errors import UserError
from carousel.params import (
    Hparams,
    Range,
    Scalar,
    Searched,
    Space,
    Sweep,
    choices,
    conditions,
    is_whole,
    meets,
    parents_first,
    replace,
)

Values = dict[str, Scalar]


def suggest(trial: optuna.Trial, space: Space, hparams: Hparams) -> Hparams:
    """Return `hparams` with the trial's value for every key of the space whose condition holds."""
    values: Values = {}
    for key in parents_first(space):
        if _is_searched(space[key], values):
            values[key] = _suggest_one(trial, key, space[key])
    return replace(hparams, values)


def _suggest_one(trial: optuna.Trial, key: str, searched: Searched) -> Any:
    if not isinstance(searched, Range):
        return trial.suggest_categorical(key, choices(searched))
    if is_whole(key):
        step = 1 if searched.step is None else int(searched.step)
        return trial.suggest_int(key, int(searched.low), int(searched.high), log=searched.log, step=step)
    return trial.suggest_float(key, searched.low, searched.high, log=searched.log, step=searched.step)


def _is_searched(searched: Searched, values: Values) -> bool:
    """Whether a key's condition holds; one on a key that is itself not searched does not."""
    return all(other in values and meets(values[other], wanted) for other, wanted in conditions(searched).items())


def inside(space: Space, hparams: Hparams) -> Values | None:
    """Return the values that `hparams` has for the space's keys, or nothing if one lies outside."""
    found: Values = {}
    for key in parents_first(space):
        section, name = key.split(".")
        value = getattr(getattr(hparams, section), name)
        if _is_searched(space[key], found):
            if not _holds(space[key], value):
                return None
            found[key] = value
    return found


def _holds(searched: Searched, value: Any) -> bool:
    if not isinstance(searched, Range):
        return value in choices(searched)
    if not searched.low <= value <= searched.high:
        return False
    steps: float = 0.0 if searched.step is None else (value - searched.low) / searched.step
    return abs(steps - round(steps)) < 1e-8


def first_values(sweep: Sweep, hparams: Hparams) -> list[Values]:
    """Return what is tried first: params.yaml's own values, if the space holds them, then `sweep.enqueue`.

    A key that an entry of `sweep.enqueue` leaves out has the value of params.yaml.

    Raises:
        UserError: when an entry names a key that is not in the space, or a value that lies outside.
    """
    own = inside(sweep.space, hparams)
    found = [] if own is None else [own]
    for number, entry in enumerate(sweep.enqueue):
        where = f"params.yaml: sweep.enqueue.{number}"
        for key in entry:
            if key not in sweep.space:
                raise UserError(f"{where}.{key}: {key} is not in sweep.space, so no trial can vary it")
        base = {key: _as(key, value) for key, value in entry.items()}
        values = inside(sweep.space, replace(hparams, base))
        if values is None or not base.keys() <= values.keys():
            raise UserError(f"{where}: {entry} lies outside sweep.space")
        found.append(values)
    return [values for place, values in enumerate(found) if values not in found[:place]]


def _as(key: str, value: Scalar) -> Scalar:
    return int(value) if is_whole(key) and isinstance(value, float) and value.is_integer() else value


def is_conditional(space: Space) -> bool:
    """Whether some key is searched with some values of another one only."""
    return any(conditions(searched) for searched in space.values())


def endless(space: Space) -> list[str]:
    """Return the keys whose values cannot be counted: ranges of real numbers without a step."""
    return [
        key
        for key, searched in space.items()
        if isinstance(searched, Range) and searched.step is None and not is_whole(key)
    ]


def points(space: Space) -> Iterator[Values]:
    """Yield every combination of values that can be counted, the last key fastest."""
    order = parents_first(space)
    seen = set()
    for combination in itertools.product(*(_values(key, space[key]) for key in order)):
        values: Values = {}
        for key, value in zip(order, combination, strict=True):
            if _is_searched(space[key], values):
                values[key] = value
        if (known := tuple(values.items())) not in seen:
            seen.add(known)
            yield values


def _values(key: str, searched: Searched) -> list[Scalar]:
    if not isinstance(searched, Range):
        return choices(searched)
    step = searched.step or 1
    count = int(np.floor((searched.high - searched.low) / step + 1e-8)) + 1
    found: list[float] = [searched.low + i * step for i in range(count)]
    return [int(value) for value in found] if is_whole(key) else [round(value, 12) for value in found]
