"""Places where git is asked: a subfolder, a worktree, no commit yet, and repositories that git does not read."""

import os
import subprocess
from pathlib import Path

import pytest

from carousel.tracking import repository
from carousel.tracking.repository import GitError


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def committed(folder: Path, *files: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init")
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("one\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--message", "all")
    return git(folder, "rev-parse", "HEAD")


HOSTILE = [
    "ml",
    "feature%2Flogin",
    "what now?",
    ' it\'s "a" $HOME',
    "Überlegung-日本",
    "-dash",
    "[ab]*",
    ":(x)",
    "a\nb",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_subfolder_is_in_its_repository_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    commit = committed(tmp_path / "top", f"{name}/ml/file")
    found = repository.find(tmp_path / "top" / name / "ml")
    assert (found.top, found.folder, found.commit) == (tmp_path / "top", f"{name}/ml", commit)
    assert repository.find(tmp_path / "top").folder == ""


def test_a_worktree_is_a_checkout_of_its_own(tmp_path: Path) -> None:
    commit = committed(tmp_path / "main", "ml/file")
    git(tmp_path / "main", "worktree", "add", str(tmp_path / "tree"))
    found = repository.find(tmp_path / "tree/ml")
    assert (found.top, found.folder, found.commit) == (tmp_path / "tree", "ml", commit)


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"^not a git checkout$"):
        repository.find(tmp_path)


def test_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init")
    with pytest.raises(GitError, match="has no commit yet"):
        repository.find(tmp_path)


def test_a_release_that_was_unpacked_in_another_repository(tmp_path: Path) -> None:
    committed(tmp_path, "file")
    (tmp_path / "carousel-0.1.0").mkdir()
    with pytest.raises(GitError, match=f"the git repository {tmp_path} has no commit of this folder"):
        repository.find(tmp_path / "carousel-0.1.0")


def test_what_git_says_of_a_repository_that_it_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed(tmp_path, "file")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as in a container whose user is another
    with pytest.raises(GitError, match=r"git says: detected dubious ownership .* git config .* safe\.directory"):
        repository.find(tmp_path)


def test_what_git_says_of_a_worktree_whose_repository_is_gone(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /gone/.git/worktrees/tree\n")
    with pytest.raises(GitError, match="git says: not a git repository: /gone"):
        repository.find(tmp_path)


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed"):
        repository.find(tmp_path)


def test_a_hooks_variables_do_not_lead_to_the_hooks_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = committed(tmp_path / "project", "file")
    committed(tmp_path / "hook", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hook/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "hook"))
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index.lock")
    assert repository.find(tmp_path / "project").commit == commit


def test_another_language_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    with pytest.raises(GitError, match=r"^not a git checkout$"):
        repository.find(tmp_path)


def test_a_commit_is_told_from_a_reason() -> None:
    assert repository.is_commit("a" * 40)
    assert not repository.is_commit(repository.NOT_GIT)
    assert not repository.is_commit("a" * 39)
