import json
from pathlib import Path

import pytest

from carousel import layout
from carousel.errors import UserError
from carousel.registry import teacher
from carousel.task import find
from tests.support.registry import small_bundle

CLASSIFICATION = find("classification")


@pytest.fixture
def project(registry):
    """The folder of the store, with prepared data whose test split has the digest d0."""
    layout.DIGESTS.parent.mkdir(parents=True, exist_ok=True)
    layout.DIGESTS.write_text(json.dumps({"test": "d0"}))
    return registry


def test_an_alias_is_resolved_to_the_number_and_the_fingerprint(project):
    version = project.enter("resolved", seed=1)
    for named in ("challenger", str(version.number), "models:/resolved@challenger"):
        found = teacher.find(named, CLASSIFICATION, "resolved")
        assert found.model == f"models:/resolved/{version.number}"
        assert found.fingerprint == small_bundle(1).fingerprint == found.predictor.to_bundle().fingerprint
    found.save(Path("teacher.json"))
    assert json.loads(Path("teacher.json").read_text()) == {"model": found.model, "fingerprint": found.fingerprint}


def test_a_bundles_folder_is_a_teacher_too(project):
    small_bundle(2).save(Path("models/kept"))
    found = teacher.find("models/kept", CLASSIFICATION, "none")
    assert (found.model, found.fingerprint) == ("models/kept", small_bundle(2).fingerprint)


def test_a_missing_teacher_is_an_error_that_says_which_there_are(project):
    project.enter("missing", seed=3)
    with pytest.raises(
        UserError, match=r"^train.teacher: missing: has no version '7'; versions: 1; aliases: chall"
    ):
        teacher.find("7", CLASSIFICATION, "missing")
    with pytest.raises(UserError, match=r"^train.teacher: nothing: has no registered version yet"):
        teacher.find("champion", CLASSIFICATION, "nothing")


def test_a_teacher_of_another_task_is_refused(project):
    version = project.enter("of-another-task", seed=4)
    with pytest.raises(
        UserError,
        match=rf"^train.teacher: of-another-task version {version.number} .* is a model of task classification",
    ):
        teacher.find("challenger", find("tagging"), "of-another-task")


def test_a_teacher_that_may_have_learned_from_the_test_split_is_refused(project):
    project.enter("elsewhere", seed=5, digest="d1")
    with pytest.raises(UserError, match=r"^train.teacher: elsewhere version 1 .* was tested on another test split"):
        teacher.find("challenger", CLASSIFICATION, "elsewhere")
