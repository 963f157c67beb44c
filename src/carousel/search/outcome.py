"""What a sweep found: its trials, the best of them, and what pruning spared."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
from optuna.trial import FrozenTrial, TrialState

from carousel.errors import UserError
from carousel.params import Hparams, replace
from carousel.search.objectives import maximizes
from carousel.search.study import EPOCHS, REASON, SECONDS, SEED_OF, Study, is_ended


@dataclass(frozen=True)
class Outcome:
    """A study, looked at when its trials have ended, or in between."""

    study: Study

    @cached_property
    def trials(self) -> list[FrozenTrial]:
        """Complete, pruned and failed trials in order; those of other studies are not among them."""
        return self.study.ended

    @cached_property
    def candidates(self) -> list[FrozenTrial]:
        """The trials that may win: complete ones, also of other studies; pruned ones only if there is none."""
        complete = [trial for trial in self.study.trials if trial.state is TrialState.COMPLETE]
        return complete or [trial for trial in self.trials if trial.state is TrialState.PRUNED]

    def value(self, trial: FrozenTrial, objective: int = 0) -> float:
        """Return an objective's value; of a trial that did not complete its best so far, nan if it has none."""
        if trial.values and trial.state is TrialState.COMPLETE:
            return float(trial.values[objective])
        return float(self._better(objective)(trial.intermediate_values.values(), default=math.nan))

    @cached_property
    def front(self) -> list[FrozenTrial]:
        """The candidates that no other one beats in an objective without losing in another (Pareto)."""
        if len(self.study.sweep.objectives) == 1:
            return [self._best(self.candidates, 0)] if self.candidates else []
        return [one for one in self.candidates if not any(self._dominates(other, one) for other in self.candidates)]

    @property
    def best(self) -> FrozenTrial:
        """The winner: of the trials within the limits of `sweep.choose`, the best by the first unlimited objective.

        Raises:
            UserError: when no trial may win, or none keeps the limits.
        """
        sweep = self.study.sweep
        if not self.candidates:
            last = next((trial.user_attrs[REASON] for trial in reversed(self.trials)), "there is none")
            raise UserError(f"sweep: none of {len(self.trials)} trials came to an end; the last one: {last}")
        within = [trial for trial in self.candidates if self._keeps_limits(trial)]
        if not within:
            limits = ", ".join(f"{name} {limit:g}" for name, limit in sweep.choose.items())
            near = ", ".join(
                f"{name} {self.value(self._best(self.candidates, sweep.objectives.index(name)), place):.4g}"
                for name in sweep.choose
                for place in [sweep.objectives.index(name)]
            )
            raise UserError(f"params.yaml: sweep.choose: no trial keeps {limits}; the best that there are: {near}")
        free = next(place for place, name in enumerate(sweep.objectives) if name not in sweep.choose)
        return self._best(within, free)

    @property
    def hparams(self) -> Hparams:
        """What to train with: the winner's values, and params.yaml's for the rest."""
        return replace(self.study.hparams, self.best.params)

    @property
    def spared(self) -> float:
        """Seconds that pruned trials would have taken for their other epochs, at the pace of those before."""
        seconds: float = sum(
            (self.study.short.train.epochs - len(epochs)) * sum(epochs) / len(epochs)
            for trial in self.trials
            if trial.state is TrialState.PRUNED and (epochs := trial.user_attrs.get(EPOCHS))
        )
        return seconds

    def count(self, state: TrialState) -> int:
        """Return how many trials ended so."""
        return sum(trial.state is state for trial in self.trials)

    def table(self) -> pl.DataFrame:
        """Return a row a trial: number, state, objectives, seconds, and the values it tried."""
        objectives = self.study.sweep.objectives
        return pl.DataFrame(
            [
                {
                    "trial": trial.number,
                    "state": state(trial),
                    **{name: self.value(trial, place) for place, name in enumerate(objectives)},
                    "seconds": trial.user_attrs.get(SECONDS),
                    **{key: trial.params.get(key) for key in self.study.sweep.space},
                }
                for trial in self.study.trials
                if is_ended(trial) or SEED_OF in trial.user_attrs
            ],
            infer_schema_length=None,
            strict=False,  # choices may be of several types
        )

    def report(self) -> dict[str, Any]:
        """Return what reports/sweep.json says."""
        best, objectives = self.best, self.study.sweep.objectives
        found: dict[str, Any] = {
            "study": self.study.name,
            "trials": len(self.trials),
            "pruned": self.count(TrialState.PRUNED),
            "failed": self.count(TrialState.FAIL),
            "seeded": sum(SEED_OF in trial.user_attrs for trial in self.study.trials),
            "spared_seconds": round(self.spared),
            "best_trial": best.number,
            **{f"best_{name}": self.value(best, place) for place, name in enumerate(objectives)},
            "best": best.params,
        }
        if len(objectives) > 1:
            found["front"] = [trial.number for trial in self.front]
        return found

    def _better(self, objective: int) -> Any:
        return max if maximizes(self.study.sweep.objectives[objective], self.study.hparams.task) else min

    def _best(self, trials: list[FrozenTrial], objective: int) -> FrozenTrial:
        best: FrozenTrial = self._better(objective)(trials, key=lambda trial: self.value(trial, objective))
        return best

    def _dominates(self, one: FrozenTrial, other: FrozenTrial) -> bool:
        pairs = [(self.value(one, i), self.value(other, i), self._better(i)) for i in range(len(one.values))]
        return all(better(a, b) == a for a, b, better in pairs) and any(a != b for a, b, _ in pairs)

    def _keeps_limits(self, trial: FrozenTrial) -> bool:
        sweep = self.study.sweep
        return all(
            self._better(place)(self.value(trial, place), limit) == self.value(trial, place)
            for name, limit in sweep.choose.items()
            for place in [sweep.objectives.index(name)]
        )


def state(trial: FrozenTrial) -> str:
    """Return a trial's state in the words of this project."""
    return "failed" if trial.state is TrialState.FAIL else trial.state.name.lower()
