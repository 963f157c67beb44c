"""`train.teacher` in the real pipeline: a student's version names its teacher, and can be reproduced."""

import json
from pathlib import Path

import pytest

from tests.conftest import Checkout

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

VERSION = """
import json
from carousel.registry import versions
from carousel.tracking.store import connect
client = connect()
version = versions.get(client, 'stdlib-docs', 2)
print(json.dumps({'tags': version.tags, 'params': client.get_run(version.run_id).data.params}))
"""


@pytest.fixture(scope="module")
def taught(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose version 2 learned from version 1."""
    checkout = finished.copy(tmp_path_factory.mktemp("taught") / "checkout")
    checkout.set_params({"train.teacher": "challenger", "model.ngrams": 0, "sweep.trials": 0})
    printed = checkout.run("dvc", "repro")
    teacher = finished.read("reports/registered.json")["fingerprint"]
    assert f"teacher: models:/stdlib-docs/1, bundle {teacher[:12]}" in printed
    return checkout


def test_its_version_names_the_teacher_by_number_and_fingerprint(finished: Checkout, taught: Checkout) -> None:
    teacher = finished.read("reports/registered.json")["fingerprint"]
    assert taught.read("reports/registered.json")["version"] == 2
    version = json.loads(taught.python(VERSION).strip().splitlines()[-1])
    assert version["tags"]["teacher.model"] == version["params"]["train.teacher"] == "models:/stdlib-docs/1"
    assert version["tags"]["teacher.fingerprint"] == teacher
    facts = json.loads(taught.carousel("lineage", "2", "--json"))["facts"]
    (fact,) = (fact for fact in facts if fact["name"] == "teacher")
    assert fact["state"] == "ok"
    assert fact["value"] == f"models:/stdlib-docs/1, bundle {teacher}"


def test_a_moved_alias_retrains_nothing(taught: Checkout) -> None:
    assert "didn't change, skipping" in taught.run("dvc", "repro", "train")  # the challenger is version 2 by now
    assert "models:/stdlib-docs/1" in (taught.path / "artifacts/hparams.yaml").read_text("utf-8")


def test_a_teacher_that_is_not_there_stops_the_pipeline_in_a_line(taught: Checkout, tmp_path: Path) -> None:
    checkout = taught.copy(tmp_path / "copy")
    checkout.set_params({"train.teacher": 9})
    printed = checkout.run("dvc", "repro", code=None)
    assert "error: train.teacher: stdlib-docs: has no version '9'; versions: 1, 2; aliases: challenger" in printed
    assert "Traceback" not in printed


def test_it_is_reproduced_with_its_teacher(taught: Checkout) -> None:
    assert "stdlib-docs version 2 is reproduced: the same fingerprint" in taught.run("carousel", "reproduce", "2")
