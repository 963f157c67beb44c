"""`dvc repro` killed at twenty random moments of training, and the weights that it ends with all the same."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from carousel.training.checkpoint import FILE
from tests.conftest import Checkout, make_checkout

pytestmark = [pytest.mark.slow, pytest.mark.pipeline]

KILLS, CHAINS = 20, 5
EPOCHS = 20  # and as many of the second training
LIVES = 7  # epochs that a training sees the end of before it is killed, at most: a chain of four ends none


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which only training is left to do, for some ten seconds."""
    made = make_checkout(tmp_path_factory.mktemp("killed") / "checkout")
    made.set_params({"sweep.trials": 0, "train.patience": EPOCHS, "train.epochs": EPOCHS})
    made.run("dvc", "repro", "sweep")
    return made


def test_it_ends_with_the_same_weights(checkout: Checkout) -> None:
    checkout.run("dvc", "repro", "train")
    expected = digest(checkout)
    moments = random.Random(3)
    resumed = 0
    for _ in range(CHAINS):
        for _ in range(KILLS // CHAINS):
            kill(checkout, moments.randint(0, LIVES), moments.uniform(0, 0.3))
            assert digest(checkout) == expected  # the last whole one stays
            resumed += bool(list((checkout.path / ".carousel/checkpoints").glob(f"*/{FILE}")))
        shutil.rmtree(checkout.path / "models/bundle")
        printed = checkout.run("dvc", "repro", "--force", "--single-item", "train")
        assert "going on from the checkpoint" in printed
        assert digest(checkout) == expected
    assert resumed > KILLS / 2  # or the kills came too early to show anything
    runs = checkout.python(
        "from carousel.tracking.store import connect; client = connect();"
        "found = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()]);"
        "print([run.info.status for run in found])"
    )
    assert runs.split() == str(["FINISHED"] * (1 + CHAINS)).split()  # a killed training comes back to its run


def kill(checkout: Checkout, epochs: int, seconds: float) -> None:
    """Start training, and kill DVC and the stage, -9, so many seconds after so many of its epochs."""
    started = subprocess.Popen(
        ["dvc", "repro", "--force", "--single-item", "train"],
        cwd=checkout.path,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    with started:
        assert started.stdout is not None
        next(line for line in started.stdout if line.startswith("precision"))
        for _ in range(epochs):
            next(line for line in started.stdout if line.startswith("epoch"))
        time.sleep(seconds)
        os.killpg(started.pid, signal.SIGKILL)
    assert started.returncode == -signal.SIGKILL


def digest(checkout: Checkout) -> str:
    weights: Path = checkout.path / "models/bundle/weights.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest()
