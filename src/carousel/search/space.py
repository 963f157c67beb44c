"""The search space: `sweep.space` of params.yaml, as Optuna's suggestions."""

from typing import Any

import optuna

from carousel.params import Hparams, Range, replace

Space = dict[str, list[bool | int | float | str] | Range]


def suggest(trial: optuna.Trial, space: Space, hparams: Hparams) -> Hparams:
    """Return `hparams` with the trial's value for every key of the space."""
    return replace(hparams, {key: _suggest_one(trial, key, values, hparams) for key, values in space.items()})


def _suggest_one(trial: optuna.Trial, key: str, values: list[Any] | Range, hparams: Hparams) -> Any:
    if isinstance(values, list):
        return trial.suggest_categorical(key, values)
    section, name = key.split(".")
    if isinstance(getattr(getattr(hparams, section), name), int):
        step = 1 if values.step is None else int(values.step)
        return trial.suggest_int(key, int(values.low), int(values.high), log=values.log, step=step)
    return trial.suggest_float(key, values.low, values.high, log=values.log, step=values.step)


def inside(space: Space, hparams: Hparams) -> dict[str, Any] | None:
    """Return the values that `hparams` has for the space's keys, or nothing if one lies outside."""
    found = {}
    for key, values in space.items():
        section, name = key.split(".")
        found[key] = value = getattr(getattr(hparams, section), name)
        if not _holds(values, value):
            return None
    return found


def _holds(values: list[Any] | Range, value: Any) -> bool:
    if isinstance(values, list):
        return value in values
    if not values.low <= value <= values.high:
        return False
    steps: float = 0.0 if values.step is None else (value - values.low) / values.step
    return abs(steps - round(steps)) < 1e-8
