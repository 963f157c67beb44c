"""A training that does not end leaves the last bundle and its run, and no stage mixes them with others."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.conftest import Checkout

pytestmark = pytest.mark.pipeline


def digests(checkout: Checkout) -> dict[str, str]:
    files = [checkout.path / "models/run.json", *sorted((checkout.path / "models/bundle").iterdir())]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.slow
def test_the_last_whole_bundle_and_its_run_stay_until_new_ones_are_whole(
    finished: Checkout, tmp_path: Path
) -> None:
    checkout = finished.copy(tmp_path / "copy")
    before = digests(checkout)
    retrain = ("dvc", "repro", "--force", "--single-item", "train")
    printed = checkout.run(*retrain, code=255, MLFLOW_TRACKING_URI="http://me:S3CRET@127.0.0.1:9")
    assert "error: http://me:***@127.0.0.1:9: the MLflow server cannot be reached" in printed
    assert digests(checkout) == before
    assert checkout.run("dvc", "status", "evaluate").count("models/") == 0
    # by hand: the bundle is still the version that it was, and is not evaluated half-way through a training
    assert "holds this bundle already" in checkout.run("pipeline/run", "register")
    printed = checkout.run("pipeline/run", "evaluate", code=2)
    assert printed == "error: reports/train.json: no such file; `dvc repro` makes it\n"
    checkout.carousel("predict", "--bundle", "models/bundle", "some text")


ANOTHER_RUN = """
from carousel.tracking.store import connect, experiment
client = connect()
print(client.create_run(experiment(client, "other")).info.run_id)
"""


@pytest.mark.slow
def test_a_bundle_beside_another_run_or_other_figures_is_one_line(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    recorded, reported = checkout.read("models/run.json"), checkout.read("reports/test.json")
    other = checkout.python(ANOTHER_RUN).split()[-1]
    (checkout.path / "models/run.json").write_text(json.dumps(recorded | {"run_id": other}))
    for stage in ("evaluate", "register"):
        printed = checkout.run("pipeline/run", stage, code=2)
        assert printed.startswith(f"error: models/run.json: names run {other}, which did not train the bundle")
        assert len(printed.splitlines()) == 1
    assert checkout.read("reports/test.json") == reported
    (checkout.path / "models/run.json").write_text(json.dumps(recorded))
    (checkout.path / "reports/test.json").write_text(json.dumps(reported | {"accuracy": 0.99}))
    printed = checkout.run("pipeline/run", "register", code=2)
    assert "reports/test.json or reports/baseline.json is not of run" in printed
