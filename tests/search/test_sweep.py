"""Real trials in real workers; what needs no training is in test_study.py."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.trial import TrialState

from carousel.errors import UserError
from carousel.params import Range, replace
from carousel.search import sweep as module
from carousel.search.messages import Data
from carousel.search.outcome import Outcome
from carousel.search.storage import open_storage
from carousel.search.study import DEATHS, REASON, find
from carousel.search.sweep import join, limited, search
from carousel.search.trial import attempt
from carousel.tasks.classification.task import TASK
from carousel.training import budget
from carousel.url import Url
from tests.postgresql import serve
from tests.search.stand_in import HPARAMS, SPACE, Silent, found, saved, sweep

# Its state takes more memory than any machine has, so that building it raises
HUGE = 10**7


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return saved(tmp_path_factory.mktemp("encoded"))


@pytest.fixture(scope="module")
def whole(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A sweep that nothing interrupts."""
    place = tmp_path_factory.mktemp("whole") / "studies.journal"
    return search(sweep(), HPARAMS, data, place=place, watcher=Silent())


def test_a_sweep_tries_params_own_values_first_and_returns_the_best(whole: Outcome) -> None:
    assert [trial.state for trial in whole.trials] == [TrialState.COMPLETE] * 3
    assert whole.trials[0].params == {"train.learning_rate": 0.03, "model.hidden_size": 8}
    best = max(whole.trials, key=lambda trial: trial.value)
    assert whole.hparams.train.learning_rate == best.params["train.learning_rate"]
    assert whole.hparams.model.hidden_size == best.params["model.hidden_size"]
    assert whole.hparams.train.epochs == HPARAMS.train.epochs  # not the short trial's


def test_a_trial_learns_from_a_fraction_of_train(data: Data, tmp_path: Path) -> None:
    wanted = sweep(1, fraction=0.3, seed=5)
    outcome = search(wanted, HPARAMS, data, place=tmp_path / "studies.journal", watcher=Silent())
    hparams = outcome.study.hparams_of(outcome.trials[0])
    sample = data.load().sample(0.3, 5)
    ended = attempt(TASK, hparams, sample, wanted.objectives, lambda _: True)
    assert len(sample.train) == 18
    assert outcome.trials[0].user_attrs["curve"] == [
        {"epoch": epoch.number + 1, **epoch.metrics} for epoch in ended.epochs
    ]


@pytest.mark.parametrize(("asked", "train", "of_a_trial"), [(2, 1, 1), (2, 5, 2), (2, 0, 2), (9, 0, 3)])
def test_no_trial_has_more_epochs_than_training(
    asked: int, train: int, of_a_trial: int, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "IN_ALL", 3 * data.load().train.tokens)
    assert limited(sweep(epochs=asked), replace(HPARAMS, {"train.epochs": train}), data).epochs == of_a_trial


def test_a_trials_value_is_its_best_epochs_and_its_curve_is_kept(whole: Outcome) -> None:
    for trial in whole.trials:
        curve = trial.user_attrs["curve"]
        assert [row["epoch"] for row in curve] == [1, 2]
        assert list(trial.intermediate_values.values()) == [row["val_accuracy"] for row in curve]
        assert trial.value == max(row["val_accuracy"] for row in curve)
        assert sum(trial.user_attrs["epochs"]) <= trial.user_attrs["seconds"]


class Murderous(Silent):
    """A watcher that kills the worker of the second trial in its first epoch, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def epoch(self, trial: object, epoch: object) -> None:
        if trial.number == 1 and self.times:  # type: ignore[attr-defined]
            self.times -= 1
            for worker in multiprocessing.active_children():
                os.kill(worker.pid or 0, signal.SIGKILL)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_but_time(whole: Outcome, data: Data, tmp_path: Path) -> None:
    watcher = Murderous(1)
    killed = search(sweep(), HPARAMS, data, place=tmp_path / "journal", watcher=watcher)
    assert found(killed) == found(whole)
    assert killed.trials[1].user_attrs[DEATHS] == 1
    assert watcher.notes == [
        "the worker of trial 1 died by signal 9",
        "trial 1 had begun and not ended: it is run again",
    ]
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_trial_that_takes_several_workers_with_it_has_failed(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEATHS_OF_A_TRIAL", 2)  # a worker takes seconds to start
    outcome = search(sweep(2), HPARAMS, data, place=tmp_path / "journal", watcher=Murderous(2))
    assert [trial.state for trial in outcome.trials] == [TrialState.COMPLETE, TrialState.FAIL]
    assert outcome.trials[1].user_attrs[REASON].startswith("its worker died 2 times, at last by signal 9")


@pytest.mark.slow
def test_workers_that_are_replaced_after_each_trial_find_the_same(
    whole: Outcome, data: Data, tmp_path: Path
) -> None:
    watcher = Silent()
    fresh = search(sweep(recycle=1), HPARAMS, data, place=tmp_path / "journal", watcher=watcher)
    assert found(fresh) == found(whole)
    assert watcher.numbers == [0, 1, 2]


def test_two_workers_share_the_trials_and_one_that_fails_is_recorded(data: Data, tmp_path: Path) -> None:
    wanted = sweep(4, workers=2, sampler="grid", space={"model.hidden_size": [8, HUGE, 4, 6]})
    watcher = Silent()
    outcome = search(wanted, HPARAMS, data, place=tmp_path / "journal", watcher=watcher)
    tried = {trial.params["model.hidden_size"]: trial for trial in outcome.trials}
    assert set(tried) == {8, HUGE, 4, 6}
    assert tried.pop(HUGE).state is TrialState.FAIL
    assert {trial.state for trial in tried.values()} == {TrialState.COMPLETE}
    reason = next(trial.user_attrs[REASON] for trial in outcome.trials if REASON in trial.user_attrs)
    assert f"hidden_size is {HUGE}" in reason
    assert "\n" not in reason
    assert sorted(watcher.numbers) == [0, 1, 2, 3]
    assert outcome.report()["failed"] == 1


def test_a_sweep_whose_first_trials_all_fail_stops_and_says_why(data: Data, tmp_path: Path) -> None:
    wanted = sweep(9, max_failures=2, sampler="grid", space={"model.hidden_size": [HUGE, HUGE + 1, HUGE + 2]})
    with pytest.raises(UserError, match=r"^sweep: the first 2 trials all failed, .*hidden_size"):
        search(wanted, HPARAMS, data, place=tmp_path / "journal", watcher=Silent())
    assert not multiprocessing.active_children()


def test_several_objectives_give_a_front_and_choose_takes_from_it(data: Data, tmp_path: Path) -> None:
    wanted = sweep(
        3,
        sampler="grid",
        objectives=["val_accuracy", "megabytes", "ms_per_document"],
        space={"model.hidden_size": [4, 8, 16]},
    )
    outcome = search(wanted, HPARAMS, data, place=tmp_path / "journal", watcher=Silent())
    sizes = {trial.params["model.hidden_size"]: trial.values[1] for trial in outcome.trials}
    assert sizes[4] < sizes[8] < sizes[16]
    assert all(trial.values[2] > 0 for trial in outcome.trials)
    limit = wanted.model_copy(update={"choose": {"megabytes": sizes[4]}})
    small = search(limit, HPARAMS, data, place=tmp_path / "journal", watcher=Silent())
    assert small.best.params == {"model.hidden_size": 4}
    impossible = wanted.model_copy(update={"choose": {"megabytes": sizes[4] / 2}})
    with pytest.raises(UserError, match=r"sweep\.choose: no trial keeps megabytes"):
        _ = search(impossible, HPARAMS, data, place=tmp_path / "journal", watcher=Silent()).best


# A database that several machines reach


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test's own."""
    with serve() as server:
        yield server.url()


JOIN = """
import sys
from pathlib import Path
from carousel.search.messages import Data
from carousel.search.progress import TrialLines
from carousel.search.sweep import join
from carousel.url import Url
if __name__ == "__main__":
    name, url, task, *places = sys.argv[1:]
    join(name, Url(url), Data(task, *map(Path, places)), 1, TrialLines())
"""


@pytest.mark.slow
def test_a_worker_joins_on_postgresql_and_its_death_loses_no_trial(
    postgresql: str, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carousel.search.storage.HEARTBEAT", 1)
    monkeypatch.setattr("carousel.search.storage.GRACE", 4)
    monkeypatch.setattr(module, "HEARTBEAT", 1)
    script = tmp_path / "join.py"
    script.write_text(JOIN)
    space = {**SPACE, "model.dropout": Range(low=0.0, high=0.5)}
    wanted = sweep(8, epochs=5, space=space)
    joined: list[subprocess.Popen[str]] = []

    class Inviting(Silent):
        def epoch(self, trial: object, epoch: object) -> None:
            if not joined:
                name = find(open_storage(Url(postgresql))).name
                places = (data.encoded, data.parts, data.vectors)
                command = [sys.executable, script, name, postgresql, data.task, *places]
                joined.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))

                def kill() -> None:
                    joined[0].stdout.readline()  # type: ignore[union-attr]
                    joined[0].kill()

                threading.Thread(target=kill).start()

    outcome = search(wanted, HPARAMS, data, place=Url(postgresql), watcher=Inviting())
    with joined[0]:
        joined[0].kill()
    assert len(outcome.trials) >= 8
    assert {trial.state for trial in outcome.trials} == {TrialState.COMPLETE}
    assert not outcome.study.running
    lost = [trial for trial in outcome.study.trials if trial not in outcome.trials]
    again = [trial.params for trial in outcome.trials]
    assert all(trial.params in again for trial in lost)

    other = saved(tmp_path / "others", seed=9)
    with pytest.raises(UserError, match="is about other documents than data/encoded here"):
        join(outcome.study.name, Url(postgresql), other, 1, Silent())
    with pytest.raises(UserError, match="--study nowhere: not in this storage"):
        join("nowhere", Url(postgresql), data, 1, Silent())


UNUSABLE = {
    "postgresql+psycopg://someone:secret@127.0.0.1:9/x": r"postgresql\+psycopg://someone:\*\*\*@.*cannot be used",
    "postgresql://someone@db:port/x": "malformed host or port",
    "postgresql://db:0/x": "a port that is not from 1 to 65535",
    "postgresql//db/x": "it has no scheme",
    "postgresql:/db/x": "it has no scheme",
    "nowhere": "it has no scheme",
    "sqlite:relative.db": "it has no scheme",
    "sqlite://": "names no file",
    "sqlite://db/x": "names no file",
    "nosuch://x/y": "is not the URL of a database that Optuna can use",
    "oracle://x/y": "its driver is not installed",
    "postgresql://some one@db/x": "write a space as %20",
    "postgresql://someone:p/secret@db/x": "percent-encode",
    "postgresql://someone:sec{ret}@127.0.0.1:9/x": "cannot be used",
    "postgresql://someone@127.0.0.1:9/x?password=secret&nosuch=1": "cannot be used",
    "": "is empty",
    "  ": "is empty",
}


@pytest.mark.parametrize("url", UNUSABLE)
def test_a_database_that_cannot_be_used_is_one_line_without_a_password(url: str, data: Data) -> None:
    with pytest.raises(UserError, match=UNUSABLE[url]) as told:
        search(sweep(), HPARAMS, data, place=Url(url), watcher=Silent())
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)
