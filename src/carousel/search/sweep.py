"""A sweep: trials are proposed here and trained by workers; whatever happens to either, the next sweep goes on."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from carousel.errors import UserError, first_line
from carousel.params import Hparams, Sweep
from carousel.search import samplers
from carousel.search.messages import Data, Died, Ended, Epoch, Work
from carousel.search.outcome import Outcome
from carousel.search.storage import HEARTBEAT, open_storage
from carousel.search.study import CURVE, DEATHS, EPOCHS, REASON, SECONDS, Study, find, fingerprints
from carousel.search.workers import Workers
from carousel.training import budget, code
from carousel.url import Url, redact

DEATHS_OF_A_TRIAL = 3  # workers that it may take with it, before it counts as failed
TICK = 0.5  # seconds between two looks at others' trials and at the clock

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Watcher(Protocol):
    """Whoever is told how a sweep goes."""

    def note(self, line: str) -> None:
        """Report something that the user should know."""

    def begin(self, study: Study) -> None:
        """The first trials are being trained, or all of them have ended before."""

    def epoch(self, trial: FrozenTrial, epoch: Epoch) -> None:
        """A trial has trained an epoch."""

    def ended(self, trial: FrozenTrial) -> None:
        """A trial has ended, here or with another worker, perhaps before this sweep began."""

    def tick(self) -> None:
        """Some time has passed."""


def search(sweep: Sweep, hparams: Hparams, data: Data, *, place: Path | Url, watcher: Watcher) -> Outcome:
    """Run the trials that are still missing.

    The values in params.yaml are the first trial, if the space holds them. An interrupted sweep goes on where
    it stopped: every trial that ended is in the storage.

    Args:
        sweep: the `sweep` section of params.yaml; at least one trial.
        hparams: the values outside the space.
        data: the documents.
        place: Optuna's journal file, or a database's URL.
        watcher: is told how it goes.

    Raises:
        UserError: when the space or the storage cannot be used, or the first `max_failures` trials fail.
    """
    samplers.check(sweep)
    with told(place):
        storage = open_storage(place)
        study = Study(storage, limited(sweep, hparams, data), hparams, fingerprints(data))
        with _alone(study, place, watcher):
            for name, count in study.seed().items():
                watcher.note(f"{count} trials of {name} fit this sweep, too: it begins with what they found")
            Run(study, data, watcher, alone=isinstance(place, Path)).to_the_end()
    return Outcome(study)


def limited(sweep: Sweep, hparams: Hparams, data: Data) -> Sweep:
    """Let no trial have more epochs than the training that it stands for, also where the documents decide them."""
    epochs = hparams.train.epochs or budget.epochs(data.load().train.tokens)
    return sweep.model_copy(update={"epochs": min(sweep.epochs, epochs)})


def join(name: str, url: Url, data: Data, workers: int, watcher: Watcher) -> Outcome:
    """Train trials of a sweep that runs elsewhere, until it has no more.

    Raises:
        UserError: when there is no such study, or it is of other documents or other code than here.
    """
    with told(url):
        storage = open_storage(url)
        study = find(storage, name)
        if study.documents != fingerprints(data):
            raise UserError(
                f"--study {name}: is about other documents than data/encoded here: run `dvc repro encode`"
            )
        if study.code != code.digest(study.hparams.task):
            raise UserError(f"--study {name}: was begun by other code than is here: check out the same commit")
        study.sweep = study.sweep.model_copy(update={"workers": workers})
        Run(study, data, watcher, alone=False).to_the_end()
    return Outcome(study)


@contextmanager
def told(place: Path | Url) -> Iterator[None]:
    """Tell in one line that a storage failed on the way."""
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        reason = redact(first_line(error.__cause__ or error))
        raise UserError(f"the sweep's storage failed: {reason}; the same command goes on from here") from error
    except OSError as error:
        if isinstance(place, Path) and error.filename and str(error.filename).startswith(str(place)):
            raise UserError(f"{error.filename}: cannot be used: {error.strerror}") from error
        raise


@contextmanager
def _alone(study: Study, place: Path | Url, watcher: Watcher) -> Iterator[None]:
    """Let one process at a time run a study in a journal; a database's studies have as many as want to."""
    if not isinstance(place, Path):
        yield
        return
    lock = FileLock(place.parent / "sweeps" / f"{study.name}.lock")
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        watcher.note("the same sweep runs in another process: waiting for its trials")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


class Run:
    """One process's part in a study, from its first trial to the last.

    Args:
        study: the study.
        data: the documents.
        watcher: is told how it goes.
        alone: whether every trial that runs without a worker here has lost its worker.
    """

    def __init__(self, study: Study, data: Data, watcher: Watcher, *, alone: bool) -> None:
        self.study = study
        self.watcher = watcher
        self.alone = alone
        self.sweep = study.sweep
        chosen = self.sweep
        work = Work(data, chosen.objectives, chosen.workers, chosen.fraction, chosen.seed)
        self.workers = Workers(work, chosen.recycle)
        self._mine: set[int] = set()
        self._told: set[int] = set()  # trials whose end the watcher knows
        self._failures: list[str] = []
        self._beat = 0.0
        self._looked = 0.0

    def to_the_end(self) -> None:
        """Train until no trial is missing and none runs, here or elsewhere."""
        with self.workers:
            self._fill()
            self.watcher.begin(self.study)
            self._tell()
            while self.workers.busy or self._others():
                self._receive(TICK)
                self.watcher.tick()
                if not self.alone:
                    self._keep_in_touch()
        missing = self.sweep.trials - len(self.study.ended)
        if missing > 0 and samplers.exhausted(self.sweep, self.study.trials):
            self.watcher.note(
                f"every combination of sweep.space was tried: {missing} of {self.sweep.trials} trials not needed"
            )

    def _fill(self) -> None:
        """Give trials to workers that have none."""
        while self.workers.free and (trial := self._next()) is not None:
            self._mine.add(trial)
            self.workers.give(trial, self.study.hparams_of(self.study.get(trial)))

    def _next(self) -> int | None:
        """Begin the next trial: one that lost its worker, or a new one."""
        busy, running = self.workers.busy, self.study.running
        for trial in running:
            lost = trial.state is TrialState.WAITING or self.alone or trial._trial_id in self._mine
            if trial._trial_id not in busy and lost and self.study.begin(trial):
                if trial.state is TrialState.RUNNING:
                    self.watcher.note(f"trial {trial.number} had begun and not ended: it is run again")
                return trial._trial_id
        while len(self.study.ended) + len(self.study.running) < self.sweep.trials:
            proposed = self.study.propose()
            if proposed is None:
                return None
            if self.study.begin(proposed):
                return proposed._trial_id
        return None

    def _others(self) -> bool:
        """Whether trials run elsewhere, so that one of them may still come back."""
        return not self.alone and bool(self.study.running)

    def _keep_in_touch(self) -> None:
        """Show that our trials are alive, and look after those of others."""
        now = time.monotonic()
        if now - self._beat > HEARTBEAT / 2:
            self._beat = now
            self.study.live(self.workers.busy)
            self.study.retry_lost()
        if now - self._looked > 2 * TICK:
            self._looked = now
            self._fill()
            self._tell()

    def _receive(self, seconds: float) -> None:
        """Wait for what workers say, and act on it."""
        if not self.workers.busy:
            time.sleep(seconds)
            return
        for trial, message in self.workers.messages(seconds):
            if isinstance(message, Epoch):
                self._epoch(trial, message)
                continue
            if isinstance(message, Ended):
                self._end(trial, message)
            else:
                self._on_worker_death(trial, message)
            self._fill()  # first: telling may take longer than a worker should wait
            self._tell()
            self._stop_if_hopeless()

    def _epoch(self, trial: int, epoch: Epoch) -> None:
        go_on = True
        if len(self.sweep.objectives) == 1:
            value = epoch.metrics.get(self.sweep.objectives[0])
            if value is not None and not self.study.get(trial).state.is_finished():
                go_on = self.study.report(trial, epoch.number, value)
        self.workers.answer(trial, go_on=go_on)
        self.watcher.epoch(self.study.get(trial), epoch)

    def _end(self, trial: int, end: Ended) -> None:
        if self.study.get(trial).state.is_finished():
            return  # it was given to another worker when this one showed no sign of life
        curve = [{"epoch": epoch.number + 1, **epoch.metrics} for epoch in end.epochs]
        notes = {SECONDS: end.seconds, EPOCHS: [epoch.seconds for epoch in end.epochs], CURVE: curve}
        state, values, reason = STATES[end.state], end.values, end.reason
        if values is not None and any(value != value for value in values):  # noqa: PLR0124 - only nan is not itself
            names = [name for name, value in zip(self.sweep.objectives, values, strict=True) if value != value]  # noqa: PLR0124
            state, values, reason = TrialState.FAIL, None, f"{names[0]} is not a number"
        if reason is not None:
            notes[REASON] = reason
            self._failures.append(reason)
        self.study.remember(trial, **notes)
        self.study.end(trial, state, values)

    def _on_worker_death(self, trial: int, died: Died) -> None:
        """Count a worker's death; its trial is begun again unless it has taken several with it."""
        deaths = self.study.get(trial).user_attrs.get(DEATHS, 0) + 1
        self.study.remember(trial, **{DEATHS: deaths})
        if deaths >= DEATHS_OF_A_TRIAL:
            reason = f"its worker died {deaths} times, at last by {died}; signal 9 is often a lack of memory"
            self._failures.append(reason)
            self.study.remember(trial, **{REASON: reason})
            self.study.end(trial, TrialState.FAIL)
        else:
            self.watcher.note(f"the worker of trial {self.study.get(trial).number} died by {died}")

    def _tell(self) -> None:
        for trial in self.study.ended:
            if trial._trial_id not in self._told:
                self._told.add(trial._trial_id)
                self.watcher.ended(trial)

    def _stop_if_hopeless(self) -> None:
        """Raise when trials fail from the beginning."""
        if len(self._failures) < self.sweep.max_failures or Outcome(self.study).candidates:
            return
        reason, count = Counter(self._failures).most_common(1)[0]
        often = f"{count} times" if count > 1 else "at last"
        raise UserError(f"sweep: the first {len(self._failures)} trials all failed, {often}: {reason}")
