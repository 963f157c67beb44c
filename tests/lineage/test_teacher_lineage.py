"""What a version's teacher is in its audit and its reproduction."""

from pathlib import Path

import pytest

from carousel.bundle.bundle import Bundle
from carousel.errors import UserError
from carousel.lineage import audit, reproduction
from carousel.registry.versions import FINGERPRINT, Version
from tests.support.registry import Registry, small_bundle


def student(model: str, fingerprint: str) -> Version:
    tags = {"teacher.model": model, "teacher.fingerprint": fingerprint}
    return Version("students", 1, (), 0, "run", tags)


@pytest.fixture(scope="module")
def teacher(registry: Registry) -> Version:
    return registry.enter("teachers", seed=1)


def test_a_registered_teacher_is_checked_by_its_fingerprint(registry: Registry, teacher: Version) -> None:
    found = audit._teacher(registry.client, student(teacher.uri, teacher.tags[FINGERPRINT]))
    assert (found.state, found.note) == ("ok", "is registered")
    assert found.value == f"models:/teachers/1, bundle {teacher.tags[FINGERPRINT]}"
    assert audit._teacher(registry.client, student(teacher.uri, "0" * 64)).state == "differs"


def test_a_deleted_teacher_is_unknown_and_a_folder_is_what_was_recorded(
    registry: Registry, teacher: Version
) -> None:
    assert audit._teacher(registry.client, student("models:/teachers/9", "0" * 64)).state == "unknown"
    assert audit._teacher(registry.client, student("models/kept", "0" * 64)).state == "recorded"


def test_a_reproduction_brings_the_very_teacher(registry: Registry, teacher: Version, tmp_path: Path) -> None:
    known = teacher.tags[FINGERPRINT]
    reproduction._bring_teacher(registry.client, student(teacher.uri, known), tmp_path, tmp_path / "checkout")
    assert Bundle.load(tmp_path / "checkout/models/teacher").fingerprint == known

    small_bundle(2).save(tmp_path / "models/kept")
    folder = student("models/kept", small_bundle(2).fingerprint)
    reproduction._bring_teacher(registry.client, folder, tmp_path, tmp_path / "other")
    assert Bundle.load(tmp_path / "other/models/teacher").fingerprint == small_bundle(2).fingerprint


@pytest.mark.parametrize("model", ["models:/teachers/9", "models/gone"])
def test_a_teacher_that_is_gone_stops_a_reproduction(
    registry: Registry, teacher: Version, tmp_path: Path, model: str
) -> None:
    with pytest.raises(UserError, match=r"^models:/students/1: the teacher that it learned from is gone: "):
        reproduction._bring_teacher(registry.client, student(model, "0" * 64), tmp_path, tmp_path)
    assert not (tmp_path / "models").exists()


def test_another_teacher_in_its_place_stops_a_reproduction(
    registry: Registry, teacher: Version, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"^models:/students/1: learned from models:/teachers/1 with bundle 0000"):
        reproduction._bring_teacher(registry.client, student(teacher.uri, "0" * 64), tmp_path, tmp_path)
