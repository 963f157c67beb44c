"""Samplers: which values a trial tries. Each is a function of (seed, trial number, the trials before)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from carousel.errors import UserError
from carousel.params import Range, Space, Sweep
from carousel.search.space import Values, endless, is_conditional, points


class Grid(BaseSampler):
    """Every combination in the order in which the space is written, the last key fastest."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def infer_relative_search_space(self, _study: optuna.Study, _trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Leave every key to `sample_independent`."""
        return {}

    def sample_relative(self, *_: Any) -> dict[str, Any]:
        """Leave every key to `sample_independent`."""
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, _distribution: BaseDistribution
    ) -> Any:
        """Return the key's value in the first combination that no trial has, and that fits the keys so far."""
        others = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        for values in points(self.space):
            if trial.params.items() <= values.items() and not is_tried(values, others):
                return values[param_name]
        raise RuntimeError("every combination was tried")


def same(one: Values, other: Values) -> bool:
    """Whether two trials try the same, but for the rounding of a step's multiples."""
    return one.keys() == other.keys() and all(
        abs(value - other[key]) < 1e-9  # type: ignore[operator]
        if isinstance(value, float) and isinstance(other[key], float)
        else value == other[key]
        for key, value in one.items()
    )


def is_tried(values: Values, trials: list[FrozenTrial]) -> bool:
    """Whether one of the trials tries the same."""
    return any(same(values, trial.params) for trial in trials)


class Sobol(optuna.samplers.QMCSampler):
    """Optuna's, with a place in the sequence that is the trial's number.

    Optuna counts in the study, before a trial has its values: a kill in between would lose a place.
    """

    def _find_sample_id(self, study: optuna.Study, _search_space: dict[str, BaseDistribution]) -> int:
        return len(study.get_trials(deepcopy=False)) - 1


@dataclass(frozen=True)
class Sampler:
    """A sampler, and what it can do.

    Attributes:
        make: returns it for a seed and a space.
        steady: its seed is the study's, and not another for each trial.
        categories: takes lists of choices.
        conditions: takes conditions on other keys.
        endless: takes ranges that cannot be counted.
        objectives: takes several objectives.
    """

    make: Callable[[int, Space], BaseSampler]
    steady: bool = False
    categories: bool = True
    conditions: bool = True
    endless: bool = True
    objectives: bool = True


SAMPLERS: dict[str, Sampler] = {
    "tpe": Sampler(
        lambda seed, space: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=is_conditional(space))
    ),
    "random": Sampler(lambda seed, _: optuna.samplers.RandomSampler(seed=seed)),
    "grid": Sampler(lambda _, space: Grid(space), endless=False),
    "qmc": Sampler(
        lambda seed, _: Sobol(scramble=True, seed=seed, warn_independent_sampling=False),
        steady=True,
        conditions=False,
    ),
    "gp": Sampler(lambda seed, _: optuna.samplers.GPSampler(seed=seed), conditions=False),
    "cmaes": Sampler(
        lambda seed, _: optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False),
        categories=False,
        conditions=False,
        objectives=False,
    ),
    "brute_force": Sampler(lambda seed, _: optuna.samplers.BruteForceSampler(seed=seed), endless=False),
}


def sampler(sweep: Sweep, number: int, attempt: int = 0) -> BaseSampler:
    """Return a trial's sampler. One seed for all of them would repeat its draws whenever a sweep goes on.

    Args:
        sweep: whose seed it has.
        number: of the trial.
        attempt: how often what it drew for this trial had been tried before.
    """
    chosen = SAMPLERS[sweep.sampler]
    place = (sweep.seed, number, attempt) if attempt else (sweep.seed, number)
    seed = sweep.seed if chosen.steady else int(np.random.SeedSequence(place).generate_state(1)[0])
    return chosen.make(seed, sweep.space)


def check(sweep: Sweep) -> None:
    """Raise a UserError when the sweep's sampler cannot search its space."""
    chosen, name = SAMPLERS[sweep.sampler], sweep.sampler
    where = f"params.yaml: sweep.sampler: {name}"
    lists = [key for key, searched in sweep.space.items() if not isinstance(searched, Range)]
    if not chosen.categories and lists:
        raise UserError(f"{where} takes ranges only, and {lists[0]} has choices: give it a range, or use tpe")
    if not chosen.conditions and is_conditional(sweep.space):
        raise UserError(f"{where} takes no conditions (`when`): leave them out, or use tpe, random or brute_force")
    if not chosen.endless and endless(sweep.space):
        raise UserError(
            f"{where} tries every value, and {endless(sweep.space)[0]} has no end of them: give it a step"
        )
    if not chosen.objectives and len(sweep.objectives) > 1:
        raise UserError(f"{where} takes one objective only: leave the others out, or use tpe")


def untried(space: Space, trials: list[FrozenTrial]) -> Values | None:
    """Return the first combination that no trial has; None if there is none. The space has no endless range."""
    return next((values for values in points(space) if not is_tried(values, trials)), None)


def exhausted(sweep: Sweep, trials: list[FrozenTrial]) -> bool:
    """Whether every combination was tried. To train one again would give what it gave."""
    return not endless(sweep.space) and untried(sweep.space, trials) is None
