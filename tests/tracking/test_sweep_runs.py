"""A study's trials in a real MLflow store; the trials follow a formula."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState

from carousel.params import Range, replace
from carousel.search.outcome import Outcome
from carousel.search.storage import open_storage
from carousel.search.study import REASON, Study
from carousel.tasks.classification.params import Params
from carousel.tracking import winner
from carousel.tracking.store import connect, experiment
from carousel.tracking.sweep import PARENT, SweepRuns
from tests.search.stand_in import HPARAMS, SPACE, formula, sweep


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    """One store for all of them; each test's sweep has a seed, and so a name, of its own."""
    folder = tmp_path_factory.mktemp("store")
    digests = folder / "data/prepared/digests.json"
    digests.parent.mkdir(parents=True)
    digests.write_text(json.dumps({"train": "a" * 64, "val": "b" * 64, "test": "c" * 64}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("MLFLOW_REGISTRY_URI", raising=False)
        patch.setattr("carousel.tracking.sweep.lineage.tags", lambda: {"git.commit": "0" * 40})  # no pipeline ran
        yield connect()


def study_of(place: Path, **changes: object) -> tuple[Params, Outcome]:
    """A sweep of 40 trials, some of them pruned, and one that failed."""
    wanted = sweep(
        40, epochs=3, pruner="median", space={**SPACE, "model.dropout": Range(low=0, high=0.9)}, **changes
    )
    outcome = formula(place, wanted)
    study = outcome.study
    failed = study.propose()
    assert failed is not None
    study.begin(failed)
    study.remember(failed._trial_id, **{REASON: "out of memory"})
    study.end(failed._trial_id, TrialState.FAIL)
    params = Params(model=HPARAMS.model, train=HPARAMS.train, sweep=wanted)
    return params, Outcome(study)


def written(params: Params, outcome: Outcome) -> SweepRuns:
    """Write the whole study down, as a sweep does."""
    runs = SweepRuns(params)
    runs.begin(outcome.study)
    for trial in outcome.trials:
        runs.ended(trial)
    runs.finish(outcome)
    return runs


@pytest.fixture(scope="module")
def whole(client: MlflowClient, tmp_path_factory: pytest.TempPathFactory) -> tuple[Params, Outcome, SweepRuns]:
    """A sweep that was written down to its end."""
    place = tmp_path_factory.mktemp("whole") / "journal"
    params, outcome = study_of(place, seed=1, storage="postgresql://me@host/x")
    return params, outcome, written(params, outcome)


def children(client: MlflowClient, runs: SweepRuns) -> dict[int, object]:
    found = client.search_runs([runs.experiment_id], f"tags.`{PARENT}` = '{runs.parent}'")
    assert len({run.data.tags["optuna.trial"] for run in found}) == len(found)  # none is there twice
    return {int(run.data.tags["optuna.trial"]): run for run in found}


def test_each_trial_is_a_child_with_its_params_curve_and_state(
    client: MlflowClient, whole: tuple[Params, Outcome, SweepRuns]
) -> None:
    _, outcome, runs = whole
    found = children(client, runs)
    assert sorted(found) == [trial.number for trial in outcome.trials]
    states = {"complete": "FINISHED", "pruned": "FINISHED", "failed": "FAILED"}
    assert {run.data.tags["optuna.state"] for run in found.values()} == set(states)
    for trial in outcome.trials:
        run = found[trial.number]
        assert run.info.status == states[run.data.tags["optuna.state"]]
        assert run.info.run_name == f"trial {trial.number}"
        for key, value in trial.params.items():
            assert run.data.params[key] == str(value)
        curve = client.get_metric_history(run.info.run_id, "val/accuracy")
        assert [point.value for point in curve] == list(trial.intermediate_values.values())
        if trial.state is TrialState.COMPLETE:
            assert run.data.metrics["best/val_accuracy"] == trial.value
    assert next(run for run in found.values() if run.info.status == "FAILED").data.tags["optuna.reason"] == (
        "out of memory"
    )


def test_the_parent_has_the_pictures_the_table_and_how_it_searched(
    client: MlflowClient, whole: tuple[Params, Outcome, SweepRuns]
) -> None:
    _, outcome, runs = whole
    parent = client.get_run(runs.parent)
    tags, report = parent.data.tags, outcome.report()
    assert parent.info.status == "FINISHED"
    assert tags["optuna.study"] == outcome.study.name
    assert (tags["optuna.sampler"], tags["optuna.pruner"], tags["optuna.seed"]) == ("tpe", "median", "1")
    assert (tags["optuna.trials"], tags["optuna.pruned"], tags["optuna.failed"]) == (
        "41", str(report["pruned"]), "1",
    )  # fmt: skip
    assert report["pruned"] > 0
    assert parent.data.metrics["best/val_accuracy"] == outcome.value(outcome.best)
    assert "model.dropout" in parent.data.params["sweep.space"]
    assert "secret" not in json.dumps([parent.data.params, tags])
    plots = {Path(file.path).name for file in client.list_artifacts(runs.parent, "plots")}
    assert plots == {
        "optimization_history.png", "intermediate_values.png", "param_importances.png",
        "parallel_coordinate.png", "slice.png", "sweep.html",
    }  # fmt: skip
    assert client.list_artifacts(runs.parent, "tables")[0].path == "tables/trials.json"


def test_writing_it_again_adds_nothing_and_a_child_that_a_kill_left_is_written_anew(
    client: MlflowClient, whole: tuple[Params, Outcome, SweepRuns]
) -> None:
    params, outcome, first = whole
    before = children(client, first)
    half = before[4].info.run_id
    client.update_run(half, status="RUNNING")  # as a kill between two writes leaves it
    again = written(params, outcome)
    after = children(client, again)
    assert again.parent == first.parent
    assert sorted(after) == sorted(before)
    assert after[4].info.run_id != half
    assert {number: run.info.run_id for number, run in after.items() if number != 4} == {
        number: run.info.run_id for number, run in before.items() if number != 4
    }


def test_a_sweep_that_was_stopped_says_so(client: MlflowClient, tmp_path: Path) -> None:
    params, outcome = study_of(tmp_path / "journal", seed=4)
    runs = SweepRuns(params)
    runs.leave("KILLED")  # before it began: there is nothing to say it of
    runs.begin(outcome.study)
    runs.leave("KILLED")
    assert client.get_run(runs.parent).info.status == "KILLED"
    runs.begin(outcome.study)
    assert client.get_run(runs.parent).info.status == "RUNNING"


def test_the_winners_training_and_its_sweep_know_each_other(
    client: MlflowClient, whole: tuple[Params, Outcome, SweepRuns]
) -> None:
    params, outcome, runs = whole
    trained = client.create_run(experiment(client, params.registry.name)).info.run_id
    winner.link(client, runs.experiment_id, trained, outcome.hparams)
    tags = client.get_run(trained).data.tags
    assert tags["sweep.run"] == runs.parent
    assert tags["sweep.trial"] == str(outcome.best.number)
    assert client.get_run(runs.parent).data.tags["sweep.trained_run"] == trained


def test_a_training_with_other_values_has_no_sweep(
    client: MlflowClient, whole: tuple[Params, Outcome, SweepRuns]
) -> None:
    params, outcome, runs = whole
    trained = client.create_run(experiment(client, params.registry.name)).info.run_id
    winner.link(client, runs.experiment_id, trained, replace(outcome.hparams, {"train.clip_norm": 0.123}))
    assert "sweep.run" not in client.get_run(trained).data.tags


def test_a_study_whose_store_was_removed_gets_a_new_parent(client: MlflowClient, tmp_path: Path) -> None:
    params, outcome = study_of(tmp_path / "journal", seed=7)
    study = Study(open_storage(tmp_path / "journal"), params.sweep, HPARAMS, ["these"], outcome.study.name)
    study.optuna.set_user_attr("mlflow_run_id", "0" * 32)
    runs = SweepRuns(params)
    runs.begin(study)
    assert client.get_run(runs.parent).data.tags["optuna.study"] == study.name
