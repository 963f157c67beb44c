"""`pipeline/scm`, by which `make setup` tells DVC whether there is git."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

NO_SCM = "[core]\n    no_scm = true\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "outer/what now%2F/ml"
    (folder / ".dvc").mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages: {}\n")
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def told(project: Path) -> tuple[str, str]:
    """What .dvc/config.local says afterwards, and what was printed."""
    done = subprocess.run([ROOT / "pipeline/scm"], cwd=project, check=True, capture_output=True, text=True)
    assert not done.stdout
    local = project / ".dvc/config.local"
    return local.read_text() if local.exists() else "", done.stderr


def test_without_git_dvc_is_told_so_and_git_init_takes_it_back(project: Path) -> None:
    assert told(project) == (NO_SCM, "")
    assert told(project) == (NO_SCM, "")
    git(project, "init")
    content, said = told(project)
    assert "no_scm" not in content
    assert not said


@pytest.mark.parametrize("where", [".", "..", "../.."])
def test_a_repository_above_is_one(project: Path, where: str) -> None:
    git(project / where, "init")
    assert told(project) == ("", "")


def test_a_worktree_is_one(project: Path, tmp_path: Path) -> None:
    git(project, "init")
    git(project, "add", "--all")
    git(project, "commit", "--message", "all")
    git(project, "worktree", "add", str(tmp_path / "tree"))
    (tmp_path / "tree/.dvc").mkdir()
    assert told(tmp_path / "tree") == ("", "")


@pytest.mark.parametrize(
    "others",
    [
        "['remote \"mine\"']\n    url = /mnt/cache\n",
        "[core]\n    remote = mine\n['remote \"mine\"']\n    url = /mnt/cache\n",
        "[cache]\n    type = symlink\n[core]\n    remote = mine\n",
    ],
)
def test_other_settings_stay(project: Path, others: str) -> None:
    (project / ".dvc/config.local").write_text(others)
    content, _ = told(project)
    assert content.count("[core]") == 1
    assert content.replace("    no_scm = true\n", "").replace("[core]\n", "") == others.replace("[core]\n", "")
    git(project, "init")
    assert "no_scm" not in told(project)[0]


def test_what_git_says_of_a_repository_that_it_does_not_read(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(project, "init")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    content, said = told(project)
    assert content == ""
    assert "warning: runs will record no commit, because git says: fatal: detected dubious ownership" in said
    assert "safe.directory" in said
    assert said.count("\n") == 1


def test_a_release_in_a_folder_that_another_repository_ignores(project: Path) -> None:
    git(project / "..", "init")
    (project / "../.gitignore").write_text("ml/\n")
    assert told(project) == (NO_SCM, "")


def test_a_hooks_variables_change_nothing(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    git(tmp_path, "init", "hook")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hook/.git"))
    assert told(project) == (NO_SCM, "")
