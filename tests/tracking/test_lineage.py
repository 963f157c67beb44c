import subprocess
from pathlib import Path

from carousel.tracking import lineage


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_folder_without_git_says_so(tmp_path: Path) -> None:
    assert lineage.git(tmp_path) == {"git.commit": "not a git checkout", "git.dirty": "unknown"}


def test_a_folder_inside_another_projects_checkout_has_no_commit_of_its_own(tmp_path: Path) -> None:
    git(tmp_path, "init")
    inner = tmp_path / "release"
    inner.mkdir()
    (inner / "file").write_text("one")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--message", "all")
    assert lineage.git(inner)["git.commit"] == "not a git checkout"
    assert len(lineage.git(tmp_path)["git.commit"]) == 40


def test_a_changed_file_makes_the_checkout_dirty_and_an_untracked_one_does_not(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--message", "all")
    (tmp_path / "new").write_text("report")
    assert lineage.git(tmp_path)["git.dirty"] == "false"
    (tmp_path / "file").write_text("two")
    assert lineage.git(tmp_path)["git.dirty"] == "true"
