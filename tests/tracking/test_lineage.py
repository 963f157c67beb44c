import importlib.metadata
import subprocess
from pathlib import Path

import torch

from carousel.tracking import lineage


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_folder_without_git_says_so(tmp_path: Path) -> None:
    assert lineage.git(tmp_path) == {"git.commit": "not a git checkout", "git.dirty": "unknown"}


def test_a_changed_file_makes_the_checkout_dirty_and_an_untracked_one_does_not(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--message", "all")
    (tmp_path / "new").write_text("report")
    assert lineage.git(tmp_path)["git.dirty"] == "false"
    (tmp_path / "file").write_text("two")
    assert lineage.git(tmp_path)["git.dirty"] == "true"


def committed(folder: Path) -> Path:
    """A checkout with code, a binary file, and text that is not UTF-8."""
    folder.mkdir()
    git(folder, "init")
    for name, content in {
        "src/code.py": b"one = 1\n",
        "params.yaml": b"seed: 0\n",
        "logo.png": bytes(range(256)),
        "latin.txt": "café\n".encode("latin-1"),
        "dvc.lock": b"stages: {}\n",
        "reports/test.json": b"{}\n",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--message", "all")
    return folder


def test_changes_applied_to_a_clean_checkout_give_the_dirty_one(tmp_path: Path) -> None:
    dirty = committed(tmp_path / "dirty")
    (dirty / "src/code.py").write_text("one = 2\n")
    (dirty / "src/new module.py").write_text("a new file, with a space in its name\n")
    (dirty / "logo.png").write_bytes(bytes(range(255, -1, -1)))
    (dirty / "latin.txt").write_bytes("crème\n".encode("latin-1"))
    (dirty / "params.yaml").unlink()
    git(dirty, "config", "diff.noprefix", "true")  # a person's settings change what `git diff` prints

    clean = tmp_path / "clean"
    git(tmp_path, "clone", str(dirty), str(clean))
    subprocess.run(["git", "apply", "-"], cwd=clean, input=lineage.changes(dirty), check=True)
    for name in ("src/code.py", "src/new module.py", "logo.png", "latin.txt"):
        assert (clean / name).read_bytes() == (dirty / name).read_bytes()
    assert not (clean / "params.yaml").exists()


def test_what_the_pipeline_writes_is_no_change(tmp_path: Path) -> None:
    folder = committed(tmp_path / "checkout")
    (folder / "dvc.lock").write_text("stages: {train: {}}\n")
    (folder / "reports/test.json").write_text('{"accuracy": 0.8}\n')
    assert lineage.changes(folder) == b""
    assert lineage.git(folder)["git.dirty"] == "false"
    (folder / "src/new.py").write_text("")
    assert lineage.git(folder)["git.dirty"] == "true"


def test_changes_of_a_subfolder_apply_at_the_repositorys_top(tmp_path: Path) -> None:
    repository = tmp_path / "all of it"
    (repository / "other").mkdir(parents=True)
    git(repository, "init")
    (repository / "other/code.py").write_text("one = 1\n")
    for name in ("ml/src/code.py", "ml/dvc.lock", "ml/reports/test.json"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("one = 1\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--message", "all")
    project = repository / "ml"
    (repository / "other/code.py").write_text("one = 2\n")  # another project's change
    (project / "dvc.lock").write_text("stages: {}\n")
    assert lineage.git(project)["git.dirty"] == "false"
    assert lineage.git(project)["git.folder"] == "ml"

    (project / "src/code.py").write_text("one = 3\n")
    (project / "src/new.py").write_text("two = 2\n")
    git(project, "config", "diff.relative", "true")  # a person's setting
    assert lineage.git(project)["git.dirty"] == "true"
    git(tmp_path, "clone", str(repository), "clean")
    subprocess.run(["git", "apply", "-"], cwd=tmp_path / "clean", input=lineage.changes(project), check=True)
    assert (tmp_path / "clean/ml/src/code.py").read_text() == "one = 3\n"
    assert (tmp_path / "clean/ml/src/new.py").read_text() == "two = 2\n"
    assert (tmp_path / "clean/other/code.py").read_text() == "one = 1\n"


def test_a_run_without_a_commit_says_why(tmp_path: Path) -> None:
    assert lineage.no_commit(lineage.git(tmp_path)) == "the run records no commit: not a git checkout"
    git(tmp_path, "init")
    said = lineage.no_commit(lineage.git(tmp_path))
    assert said == f"the run records no commit: the git repository {tmp_path} has no commit yet"
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--message", "all")
    assert lineage.no_commit(lineage.git(tmp_path)) is None


def test_every_file_has_its_digest_among_the_tags() -> None:
    files = {lineage.PARAMS: b"a", lineage.INSTALLED: b"b", lineage.LOCK: b"c", lineage.CHANGES: b"d"}
    tags = lineage.digests(files)
    assert {tags[lineage.DIGESTS[name]] for name in files} == {
        lineage.digest(content) for content in files.values()
    }


def test_the_environment_says_what_this_process_computes_with() -> None:
    found = lineage.environment()
    assert found["torch.version"] == torch.__version__
    assert found["machine.threads"] == str(torch.get_num_threads())
    assert found["machine.processor"].endswith(torch.backends.cpu.get_cpu_capability())
    # PyPI's CUDA build calls itself 2.13.0+cu130, its package 2.13.0
    assert f"torch=={importlib.metadata.version('torch')}" in lineage.installed().decode().splitlines()
