"""The stage `sweep` killed at twenty random moments, itself or its worker, and what it finds all the same."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from carousel.search.sweep import DEATHS_OF_A_TRIAL
from tests.conftest import Checkout, make_checkout

pytestmark = [pytest.mark.slow, pytest.mark.pipeline]

KILLS, TRIALS = 20, 24

TRIED = """
import json
from pathlib import Path
from carousel.errors import UserError
from carousel.search.storage import open_storage
from carousel.search.study import DEATHS, find
from carousel.tracking.store import connect, experiment
try:
    study = find(open_storage(Path(".carousel/studies.journal")))
except UserError:  # killed before there was one
    print(json.dumps({"trials": [], "deaths": 0, "children": []}))
    raise SystemExit
client = connect()
children = client.search_runs([experiment(client, "stdlib-docs")], "tags.`optuna.trial` != ''")
print(json.dumps({
    "trials": [
        [trial.number, trial.params, trial.state.name, trial.values, list(trial.intermediate_values.values())]
        for trial in study.trials
    ],
    "deaths": max((trial.user_attrs.get(DEATHS, 0) for trial in study.running), default=0),
    "children": sorted([int(run.data.tags["optuna.trial"]), run.data.tags["optuna.state"]] for run in children),
}))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which only the sweep is left to do."""
    made = make_checkout(tmp_path_factory.mktemp("killed") / "checkout")
    made.set_params({"sweep.trials": TRIALS, "sweep.max_failures": 30})
    made.run("dvc", "repro", "encode")
    return made


def tried(checkout: Checkout) -> dict:
    return json.loads(checkout.python(TRIED).strip().splitlines()[-1])


def test_no_trial_is_lost_and_none_counts_twice(checkout: Checkout, tmp_path: Path) -> None:
    other = checkout.copy(tmp_path / "other")
    other.run("pipeline/run", "sweep")
    whole = tried(other)
    moments, before, deaths = random.Random(5), 0, 0
    for number in range(KILLS):
        # on a slow machine one trial may be hit again and again; with a third worker it would have failed
        kill(checkout, moments.uniform(0, 12), worker=number % 2 == 1 and deaths < DEATHS_OF_A_TRIAL - 1)
        found = tried(checkout)
        ended, deaths = [trial for trial in found["trials"] if trial[2] in ("COMPLETE", "PRUNED")], found["deaths"]
        assert ended == whole["trials"][: len(ended)]
        assert len(ended) >= before
        before = len(ended)
    checkout.run("pipeline/run", "sweep")
    assert tried(checkout) == whole
    assert len(whole["trials"]) == len(whole["children"]) == TRIALS
    assert checkout.read("reports/sweep.json")["best"] == other.read("reports/sweep.json")["best"]


def kill(checkout: Checkout, seconds: float, *, worker: bool) -> None:
    """Run the stage, and kill it, -9, so many seconds later; or its worker first, and the stage as long after."""
    started = subprocess.Popen(
        ["pipeline/run", "sweep"],
        cwd=checkout.path,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    if worker:
        for child in children(started.pid):
            os.kill(child, signal.SIGKILL)
        time.sleep(seconds)
    started.kill()
    started.wait()
    deadline = time.monotonic() + 30
    while members(started.pid):  # its workers leave by themselves
        assert time.monotonic() < deadline, "a worker outlives its sweep"
        time.sleep(0.1)


def children(parent: int) -> list[int]:
    """Return the processes that a process started, workers and Python's own tracker of them."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in listed.stdout.split()]


def members(group: int) -> list[str]:
    """Return the processes of a session that still run."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-s", str(group)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [state for state in listed if not state.startswith("Z")]
