"""`dvc exp run`, in the checkout, in a temporary copy, and queued: one MLflow store for all of them."""

import json
from pathlib import Path

import pytest

from tests.conftest import Checkout

pytestmark = pytest.mark.pipeline

RUNS = """
import json
from carousel.tracking.store import connect, experiment
client = connect()
runs = client.search_runs([experiment(client, 'stdlib-docs')], "tags.`bundle.fingerprint` != ''")
print(json.dumps([
    {'cell': run.data.params['model.cell'],
     'name': run.info.run_name, 'artifacts': run.info.artifact_uri,
     'experiment': run.data.tags.get('dvc.experiment'), 'accuracy': run.data.metrics.get('test/accuracy')}
    for run in runs]))
"""


def runs(checkout: Checkout) -> list[dict]:
    return json.loads(checkout.python(RUNS).strip().splitlines()[-1])


@pytest.mark.slow
def test_experiments_in_temporary_copies_land_in_the_checkouts_own_store(
    finished: Checkout, tmp_path: Path
) -> None:
    checkout = finished.copy(tmp_path / "copy")
    checkout.set_params({"sweep.trials": 0})
    checkout.run("git", "commit", "--all", "--quiet", "--message", "search nothing")
    before = len(runs(checkout))

    checkout.run("dvc", "exp", "run", "--queue", "--name", "gru", "--set-param", "model.cell=gru")
    checkout.run("dvc", "exp", "run", "--queue", "--name", "rnn", "--set-param", "model.cell=rnn")
    checkout.run("dvc", "queue", "start", "--jobs", "2")
    for name in ("gru", "rnn"):
        checkout.run("dvc", "queue", "logs", "--follow", name, code=None)

    found = {run["experiment"]: run for run in runs(checkout)}
    assert len(runs(checkout)) == before + 2
    assert found["gru"]["cell"] == "gru"
    assert found["rnn"]["name"].startswith("birnn")
    assert all(run["accuracy"] is not None for run in found.values())
    # the experiment's artifacts are where its first run put them, also of a run in a temporary copy
    store = runs(finished)[0]["artifacts"].rpartition("mlruns")[0]
    assert found["gru"]["artifacts"].startswith(store)
    assert not list((checkout.path / ".dvc/tmp").rglob("mlflow.db"))

    shown = checkout.run("dvc", "exp", "show", "--csv")
    header = shown.splitlines()[0]
    assert {"gru", "rnn"} <= {cell for line in shown.splitlines() for cell in line.split(",")}
    assert "artifacts/hparams.yaml:train.learning_rate" in header
    assert "reports/test.json:accuracy" in header


def test_an_experiment_in_the_checkout_trains_what_it_was_told(two_models: Checkout) -> None:
    assert two_models.run("git", "diff", "--numstat", "--", "params.yaml").split()[:2] == ["3", "3"]  # a line a key
    assert "learning_rate: 0.015" in (two_models.path / "artifacts/hparams.yaml").read_text()
    assert two_models.read("reports/registered.json")["version"] == 2
    assert [run["cell"] for run in runs(two_models)] == ["gru", "lstm"]
