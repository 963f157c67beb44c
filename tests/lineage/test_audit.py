"""`carousel lineage` of a version that the real pipeline made: nothing differs, until something does."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Checkout

pytestmark = pytest.mark.pipeline

SET_TAGS = """
import json, sys
from carousel.tracking.store import connect
client = connect()
for key, value in json.loads({tags!r}).items():
    client.set_model_version_tag('stdlib-docs', '1', key, value)
"""


def audit(checkout: Checkout, code: int = 0) -> dict[str, dict[str, str]]:
    printed = json.loads(checkout.carousel("lineage", "1", "--json", code=code))
    assert printed["ok"] == (code == 0)
    return {fact["name"]: fact for fact in printed["facts"]}


def set_tags(checkout: Checkout, **tags: str) -> None:
    checkout.python(
        SET_TAGS.format(tags=json.dumps({key.replace("__", "."): value for key, value in tags.items()}))
    )


def test_a_fresh_version_leads_back_to_everything_and_nothing_differs(finished: Checkout) -> None:
    facts = audit(finished)
    checked = {
        "bundle", "vocabulary", "tokenizer", "run", "commit", "params", "dvc.lock", "source's digest", "train",
        "val", "test", "sweep", "requirements.lock", "installed packages", "Python files",
    }  # fmt: skip
    assert {name for name, fact in facts.items() if fact["state"] == "ok"} == checked
    assert {name for name, fact in facts.items() if fact["state"] == "recorded"} >= {
        "uncommitted changes", "source", "Python", "PyTorch", "processor", "threads", "seeds",
    }  # fmt: skip
    assert facts["bundle"]["value"] == finished.read("reports/registered.json")["fingerprint"]
    assert facts["uncommitted changes"]["value"] == "none"
    assert facts["seeds"]["value"] == "split 0, sweep 0, train 0"
    assert facts["sweep"]["value"].startswith(finished.read("reports/sweep.json")["study"])
    assert "nothing differs" in finished.carousel("lineage", "1")


def test_registering_the_same_bundle_again_changes_nothing_of_its_version(
    finished: Checkout, tmp_path: Path
) -> None:
    checkout = finished.copy(tmp_path / "copy")
    before = audit(checkout)
    checkout.edit(
        "src/carousel/registry/versions.py", "Registered versions: found", "Versions that are registered: found"
    )
    printed = checkout.run("dvc", "repro")
    assert "version 1 holds this bundle already" in printed
    after = audit(checkout)
    assert after["dvc.lock"] == before["dvc.lock"]
    assert {name: fact["value"] for name, fact in after.items()} == {
        name: fact["value"] for name, fact in before.items()
    }


def test_what_was_altered_differs_and_nothing_else(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    # the prepared data has changed since; DVC's cache still has the version's own
    shutil.rmtree(checkout.path / "data/prepared")
    altered = {
        "vocabulary__fingerprint": "0" * 64,
        "data__train__digest": "0" * 64,
        "params__digest": "0" * 64,
        "environment__lock": "0" * 64,
        "git__commit": "0" * 40,
    }
    set_tags(checkout, **altered)
    facts = audit(checkout, code=1)
    assert {name for name, fact in facts.items() if fact["state"] == "differs"} == {"vocabulary", "train", "params"}
    assert facts["test"]["state"] == "ok"
    assert facts["test"]["note"] == "as in DVC's cache"
    # a commit that is not here proves nothing, neither of itself nor of its lock
    assert facts["commit"]["state"] == facts["requirements.lock"]["state"] == "unknown"
    printed = checkout.carousel("lineage", "1", code=1)
    assert "differ: vocabulary, params, train" in printed
    gone = checkout.carousel("reproduce", "1", code=2)
    assert "its commit 0000" in gone
    assert len(gone.splitlines()) == 1
