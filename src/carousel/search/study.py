"""A study: which trials there are, which one comes next, and what the study remembers of itself.

A trial is added in one write that holds all of its values. They are a function of the study's seed, the trial's
number and the trials before it. So a trial that a kill interrupted is run again under its own number, and with one
worker the trials are those of a sweep that nobody interrupted.
"""

from functools import cached_property
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage, RDBStorage
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState, create_trial

from carousel.errors import UserError
from carousel.files import json_digest
from carousel.params import UNSCORED, Hparams, Sweep, flatten, hparams_from, replace
from carousel.search.messages import Data
from carousel.search.objectives import maximizes
from carousel.search.pruners import PRUNERS
from carousel.search.samplers import exhausted, is_tried, sampler, untried
from carousel.search.space import Values, endless, first_values, inside, suggest
from carousel.training import code

# What a study and its trials remember, beside Optuna's own
SWEEP, HPARAMS, DOCUMENTS, CODE, JUDGED = "sweep", "hparams", "data", "code", "judged"
REASON, SECONDS, EPOCHS, CURVE = "reason", "seconds", "epochs", "curve"
SEED_OF, DEATHS = "seeded_from", "deaths"

ATTEMPTS = 5  # of a sampler to draw what no trial has

UNDECISIVE = {"trials", "workers", "recycle", "max_failures", "storage", "choose", "enqueue"}


def fingerprints(data: Data) -> list[str]:
    """Return what identifies the data, its vocabulary and the vectors to begin with."""
    return [data.load().fingerprint]


def identity(sweep: Sweep, hparams: Hparams, documents: list[str]) -> str:
    """Name a study by what decides its trials, so that the same sweep goes on and another begins anew.

    Values in params.yaml of keys that are searched decide nothing but the first trial.
    """
    fixed = {key: value for key, value in flatten(scored(hparams, sweep)).items() if key not in sweep.space}
    decisive = {
        "sweep": sweep.model_dump(exclude=UNDECISIVE),
        "hparams": fixed,
        "data": documents,
        "code": code.digest(hparams.task),
    }
    return "sweep-" + json_digest(decisive)[:12]


class Study:
    """An Optuna study of one sweep.

    Args:
        storage: where it is kept; it is made if it is not there yet.
        sweep: the `sweep` section of params.yaml.
        hparams: the values outside the space, and the first trial's inside.
        documents: the data's `fingerprints`.
        name: of a study that is there; None is the sweep's own identity.
        digest: of the code that a study that is there was begun by.
    """

    def __init__(
        self,
        storage: BaseStorage,
        sweep: Sweep,
        hparams: Hparams,
        documents: list[str],
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        self.storage = storage
        self.sweep = sweep
        self.hparams = hparams
        self.documents = documents
        self.code = digest or code.digest(hparams.task)
        self.short = scored(hparams, sweep)
        self.first = first_values(sweep, hparams)
        self.optuna = optuna.create_study(
            study_name=name or identity(sweep, hparams, documents),
            storage=storage,
            directions=[
                "maximize" if maximizes(objective, hparams.task) else "minimize" for objective in sweep.objectives
            ],
            sampler=RandomSampler(),  # it proposes nothing: `propose` does
            pruner=self._pruner,
            load_if_exists=True,
        )
        self._id = storage.get_study_id_from_name(self.name)
        self._remember()

    @property
    def name(self) -> str:
        """The study's name in its storage."""
        return str(self.optuna.study_name)

    @cached_property
    def _pruner(self) -> BasePruner:
        return PRUNERS[self.sweep.pruner](self.short.train.epochs)

    @property
    def _judged(self) -> str:
        """What two studies have in common if each can learn from the other's trials."""
        learned = [self.sweep.fraction, self.sweep.seed if self.sweep.fraction < 1 else None]
        return json_digest([self.documents, learned, self.sweep.objectives, self.code])

    def _remember(self) -> None:
        memory = {
            SWEEP: self.sweep.model_dump(mode="json"),
            HPARAMS: self.hparams.model_dump(mode="json"),
            DOCUMENTS: self.documents,
            CODE: self.code,
            JUDGED: self._judged,
        }
        known = self.optuna.user_attrs
        for key, value in memory.items():
            if known.get(key) != value:
                self.optuna.set_user_attr(key, value)

    # Trials

    @property
    def trials(self) -> list[FrozenTrial]:
        """All of them in order, those of other studies and those that lost their worker included."""
        return list(self.optuna.get_trials(deepcopy=False))

    @property
    def ended(self) -> list[FrozenTrial]:
        """Trials of this sweep that ended: complete, pruned, or failed for a reason of their own."""
        return [trial for trial in self.trials if is_ended(trial)]

    @property
    def running(self) -> list[FrozenTrial]:
        """Trials that somebody has begun, or that wait to be begun again."""
        states = (TrialState.RUNNING, TrialState.WAITING)
        return [trial for trial in self.trials if trial.state in states]

    def hparams_of(self, trial: FrozenTrial) -> Hparams:
        """Return what a trial trains with."""
        return replace(self.short, trial.params)

    def propose(self) -> FrozenTrial | None:
        """Add the next trial, which waits to be begun; None if every combination was tried."""
        trials = self.trials
        given = next((values for values in self.first if not is_tried(values, trials)), None)
        if given is None and exhausted(self.sweep, trials):
            return None
        template = self._drawn(trials, given) if given is not None else self._untried(trials)
        template.state, template.datetime_start = TrialState.WAITING, None
        return self.get(self.storage.create_new_trial(self._id, template_trial=template))

    def _untried(self, trials: list[FrozenTrial]) -> FrozenTrial:
        """Return a trial that the sampler drew, or, if it insists on what was tried, the next combination.

        A sampler that has found something good draws it again, where a space is small; the training would be the
        same, too.
        """
        for attempt in range(ATTEMPTS):
            trial = self._drawn(trials, None, attempt)
            if not is_tried(trial.params, trials):
                return trial
        return trial if endless(self.sweep.space) else self._drawn(trials, untried(self.sweep.space, trials))

    def _drawn(self, trials: list[FrozenTrial], given: Values | None, attempt: int = 0) -> FrozenTrial:
        """Return a trial with all of its values, drawn in a copy of the study."""
        copy = optuna.create_study(
            study_name=self.name,
            directions=self.optuna.directions,
            sampler=sampler(self.sweep, len(trials), attempt),
            pruner=self._pruner,
        )
        copy.add_trials(trial for trial in trials if trial.state is not TrialState.WAITING)
        if given is not None:
            copy.enqueue_trial(given)
        trial = copy.ask()
        suggest(trial, self.sweep.space, self.short)
        return copy.trials[-1]

    def begin(self, trial: FrozenTrial) -> bool:
        """Begin a trial, or begin it again; false if somebody else was faster."""
        self.live([trial._trial_id])  # before it runs: nobody would miss a trial that never showed a sign of life
        if trial.state is TrialState.WAITING:
            return bool(self.storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING))
        return True

    def live(self, trials: list[int]) -> None:
        """Show others that these trials are being trained; a journal has no others."""
        if isinstance(self.storage, RDBStorage):
            for trial in trials:
                self.storage.record_heartbeat(trial)

    def retry_lost(self) -> None:
        """Let others' trials wait for a worker again that have shown no sign of life for long."""
        optuna.storages.fail_stale_trials(self.optuna)

    def get(self, trial: int) -> FrozenTrial:
        """Return the trial with an id."""
        return self.storage.get_trial(trial)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Write an epoch's value down, and return whether the trial shall go on."""
        known = self.get(trial).intermediate_values
        if epoch < max(known, default=0):
            return True  # it runs again, and went on from here before
        if epoch not in known:
            self.storage.set_trial_intermediate_value(trial, epoch, value)
        return not self._pruner.prune(self.optuna, self.get(trial))

    def remember(self, trial: int, **values: Any) -> None:
        """Write things down with a trial that has not ended."""
        for key, value in values.items():
            self.storage.set_trial_user_attr(trial, key, value)

    def end(self, trial: int, state: TrialState, values: list[float] | None = None) -> bool:
        """End a trial; false if somebody else did."""
        if state is TrialState.PRUNED:
            reported = self.get(trial).intermediate_values
            values = [reported[max(reported)]]
        try:
            return bool(self.storage.set_trial_state_values(trial, state, values))
        except optuna.exceptions.UpdateFinishedTrialError:
            return False

    # Other studies

    def seed(self) -> dict[str, int]:
        """Add other studies' complete trials that this one could have made itself; return how many from which.

        Only a study that has begun no trial of its own takes them.
        """
        if any(SEED_OF not in trial.user_attrs for trial in self.trials):
            return {}
        present = {trial.user_attrs[SEED_OF] for trial in self.trials}
        for other in self.storage.get_all_studies():
            if other.study_name == self.name or other.user_attrs.get(JUDGED) != self._judged:
                continue
            sweep, hparams = recalled(other.user_attrs)
            base = scored(hparams, sweep)
            for trial in self.storage.get_all_trials(other._study_id, states=(TrialState.COMPLETE,)):
                origin = f"{other.study_name}/{trial.number}"
                if SEED_OF not in trial.user_attrs and origin not in present:
                    self._take(trial, replace(base, trial.params), origin)
        found = [trial.user_attrs[SEED_OF].partition("/")[0] for trial in self.trials]
        return {name: found.count(name) for name in sorted(set(found))}

    def _take(self, trial: FrozenTrial, hparams: Hparams, origin: str) -> None:
        values = inside(self.sweep.space, hparams)
        if values is None or replace(self.short, values) != hparams:
            return
        taken = create_trial(
            state=TrialState.COMPLETE,
            params=values,
            distributions=self._distributions(values),
            values=trial.values,
            user_attrs={**trial.user_attrs, SEED_OF: origin},
            intermediate_values=trial.intermediate_values,
        )
        self.optuna.add_trial(taken)

    def _distributions(self, values: Values) -> dict[str, BaseDistribution]:
        return self._drawn([], values).distributions


def scored(hparams: Hparams, sweep: Sweep) -> Hparams:
    """Return what a trial outside the space trains with: its own epochs, and never validation's documents."""
    return replace(hparams, {"train.epochs": sweep.epochs, UNSCORED: "never"})


def recalled(attributes: dict[str, Any]) -> tuple[Sweep, Hparams]:
    """Return the sweep and the hyperparameters that a study remembers."""
    return Sweep.model_validate(attributes[SWEEP]), hparams_from(attributes[HPARAMS])


def find(storage: BaseStorage, name: str | None = None) -> Study:
    """Return a study that is there: by its name, or the one that began a trial last.

    Raises:
        UserError: when there is none.
    """
    found = {study.study_name: study for study in storage.get_all_studies() if SWEEP in study.user_attrs}
    if not found:
        raise UserError("the storage has no study: `dvc exp run -S sweep.trials=30` runs one")
    if name is not None and name not in found:
        raise UserError(f"--study {name}: not in this storage; studies there: {', '.join(sorted(found))}")

    def latest(study: FrozenStudy) -> float:
        trials = storage.get_all_trials(study._study_id, deepcopy=False)
        return max((trial.datetime_start.timestamp() for trial in trials if trial.datetime_start), default=0.0)

    chosen = max(found.values(), key=latest) if name is None else found[name]
    sweep, hparams = recalled(chosen.user_attrs)
    return Study(storage, sweep, hparams, chosen.user_attrs[DOCUMENTS], chosen.study_name, chosen.user_attrs[CODE])


def is_ended(trial: FrozenTrial) -> bool:
    """Whether a trial is one of its own sweep, and came to an end that is not its worker's."""
    if SEED_OF in trial.user_attrs or not trial.state.is_finished():
        return False
    return trial.state is not TrialState.FAIL or REASON in trial.user_attrs
