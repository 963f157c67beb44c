from pathlib import Path

import pytest

import carousel
from carousel.errors import UserError
from carousel.files import write_text
from carousel.template import files, installed
from carousel.template.installed import Installed
from carousel.template.upgrade import apply, plan

STAGE = "pipeline/collect.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of this version."""
    for path, content in files.project_files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    write_text(tmp_path / "carousel.yaml", Installed.now().to_yaml())
    return tmp_path


@pytest.fixture
def newer(monkeypatch) -> dict[str, bytes]:
    """Let a higher version be installed, with another stage module, a new file, one file less, and other code."""
    now = dict(files.project_files())
    now[STAGE] += b"# new\n"
    now["pipeline/new.sh"] = b"#!/bin/sh\n"
    del now[".dvcignore"]
    code = files.code_digests() | {"train": "0" * 16}
    for module in (files, installed):
        monkeypatch.setattr(module, "project_files", lambda: now)
        monkeypatch.setattr(module, "code_digests", lambda: code)
    monkeypatch.setattr("carousel.template.upgrade.project_files", lambda: now)
    monkeypatch.setattr(installed, "__version__", "9.9.9")
    return now


def test_the_same_version_changes_nothing(project: Path) -> None:
    found = plan(project)
    assert found.old == found.new
    assert found.changes == []
    installed.check(project)


def test_an_upgrade_brings_every_file_and_runs_the_stages_whose_code_differs(project: Path, newer) -> None:
    with pytest.raises(UserError, match=rf"Carousel 9\.9\.9 is installed, .* is for {carousel.__version__}"):
        installed.check(project)
    found = plan(project)
    assert {change.path for change in found.changes} == {STAGE, "pipeline/new.sh", ".dvcignore"}
    assert not any(change.edited for change in found.changes)
    assert found.stages == ["train"]
    apply(found, project)
    assert (project / STAGE).read_bytes() == newer[STAGE]
    assert (project / "pipeline/new.sh").stat().st_mode & 0o100
    assert not (project / ".dvcignore").exists()
    installed.check(project)
    assert plan(project).changes == []


def test_edited_files_stay(project: Path, newer) -> None:
    (project / STAGE).write_text("mine", "utf-8")
    (project / ".dvcignore").write_text("mine", "utf-8")
    (project / "params.yaml").write_text("task: tagging\n", "utf-8")
    apply(plan(project), project)
    assert (project / STAGE).read_text("utf-8") == "mine"
    assert (project / ".dvcignore").exists()
    assert (project / "params.yaml").read_text("utf-8") == "task: tagging\n"
    assert (project / "pipeline/new.sh").exists()


def test_edited_files_can_be_replaced(project: Path, newer) -> None:
    (project / STAGE).write_text("mine", "utf-8")
    apply(plan(project), project, replace_edited=True)
    assert (project / STAGE).read_bytes() == newer[STAGE]


def test_a_file_that_the_user_edited_and_no_version_changed_is_left_alone(project: Path, newer) -> None:
    (project / "pipeline/train.py").write_text("mine", "utf-8")
    assert "pipeline/train.py" not in {change.path for change in plan(project).changes}


@pytest.mark.parametrize("content", ["[]", "version: 1", "code: 5\nversion: 1\nfiles: {}", "{"])
def test_a_damaged_carousel_yaml_is_named(project: Path, content: str) -> None:
    (project / "carousel.yaml").write_text(content, "utf-8")
    with pytest.raises(UserError, match=r"carousel\.yaml"):
        plan(project)


def test_outside_of_a_made_project_there_is_nothing_to_upgrade(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="carousel new"):
        plan(tmp_path)
    installed.check(tmp_path)
