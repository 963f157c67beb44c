"""`carousel reproduce`: the same fingerprint from a commit, changes and params, and nothing else touched."""

import json
import subprocess
from pathlib import Path

import mlflow
import pytest

from carousel.errors import UserError
from carousel.lineage import reproduction
from carousel.registry.versions import Version
from carousel.tracking import lineage
from tests.conftest import Checkout
from tests.support.registry import Registry

COUNT = """
from carousel.tracking.store import connect, experiment
client = connect()
print(len(client.search_runs([experiment(client, 'stdlib-docs')])), len(client.search_model_versions()))
"""


def state(checkout: Checkout) -> tuple[str, ...]:
    """What a reproduction must leave alone: the store, the checkout, dvc.lock, DVC's cache."""
    cached = sorted(str(path) for path in (checkout.path / ".dvc/cache").rglob("*"))
    files = checkout.run("git", "status", "--porcelain", "--ignored").splitlines()
    return (
        checkout.python(COUNT),
        *(line for line in files if not line.endswith("__pycache__/")),  # the command's own import compiles modules
        (checkout.path / "dvc.lock").read_text(),
        *cached,
    )


def three_commits(checkout: Checkout) -> None:
    checkout.set_params({"train.clip_norm": 0.1})
    checkout.run("git", "commit", "--all", "--quiet", "--message", "clip more")
    checkout.set_params({"vocab.min_count": 3})
    checkout.run("git", "commit", "--all", "--quiet", "--message", "fewer words")
    checkout.edit("data/stdlib_docs.yaml", "shutil", "shutil, glob")
    checkout.run("git", "commit", "--all", "--quiet", "--message", "more data")


@pytest.mark.slow
@pytest.mark.pipeline
def test_a_version_with_uncommitted_changes_is_reproduced_three_commits_later(
    finished: Checkout, tmp_path: Path
) -> None:
    checkout = finished.copy(tmp_path / "copy")
    checkout.set_params({"sweep.trials": 0, "train.learning_rate": 0.015})
    checkout.edit("src/carousel/nn/initialisation.py", '"""How weights begin', '"""Changed: how weights begin')
    checkout.run("dvc", "repro")
    checkout.run("git", "checkout", "--quiet", ".")
    three_commits(checkout)

    before = state(checkout)
    printed = checkout.run("carousel", "reproduce", "2")
    assert "apply what was not committed" in printed
    assert "Running stage 'train'" in printed
    assert "stdlib-docs version 2 is reproduced: the same fingerprint" in printed
    assert state(checkout) == before
    assert not list(Path(printed.split(" in ")[1].splitlines()[0]).parent.glob("carousel-reproduce-*/models"))


@pytest.mark.slow
@pytest.mark.pipeline
def test_a_sweeps_winner_is_reproduced_without_the_sweep(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    three_commits(checkout)
    made = json.JSONDecoder().raw_decode(checkout.run("carousel", "reproduce", "1", "--json"))[0]
    assert made["same"]
    assert [part["name"] for part in made["parts"]][-1] == "bundle"


def version(**tags: str) -> Version:
    return Version("docs", 4, (), 0, "no-run", {key.replace("__", "."): value for key, value in tags.items()})


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({}, "its run recorded no commit to go back to: not a git checkout"),
        ({"git__commit": "git says: detected dubious ownership"}, "to go back to: git says: detected dubious"),
        ({"git__commit": "0" * 40}, "its commit 0+ cannot be looked up in .*: not a git checkout"),
    ],
)
def test_a_version_without_a_commit_here_is_one_line(
    tags: dict[str, str], message: str, registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        reproduction.reproduce(registry.client, version(**tags), tmp_path, print)


def test_params_that_are_missing_or_altered_are_one_line(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="its params were not recorded"):
        reproduction._files(registry.client, version())
    with pytest.raises(UserError, match=r"lineage/params\.yaml is not in the store"):
        reproduction._files(registry.client, version(params__digest="0" * 64))
    with mlflow.start_run() as run:
        mlflow.log_text("seed: 0\n", "lineage/params.yaml")
    altered = Version("docs", 4, (), 0, run.info.run_id, {"params.digest": "0" * 64})
    with pytest.raises(UserError, match=r"lineage/params\.yaml has changed"):
        reproduction._files(registry.client, altered)


def test_data_that_git_does_not_have_is_copied_if_it_is_the_same(tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "folder"
    (root / "data").mkdir(parents=True)
    (root / "data/my.csv").write_text("text,label\n")
    trained = version(data__source__digest=f"md5:{reproduction._md5(root / 'data/my.csv')}")
    said: list[str] = []
    reproduction._bring_source(trained, root, folder, "data/my.csv", said.append)
    assert (folder / "data/my.csv").read_text() == "text,label\n"
    assert said == [f"copy data/my.csv from {root}"]

    (root / "data/my.csv").write_text("text,label\nsomething,new\n")
    with pytest.raises(UserError, match=r"its data data/my\.csv is gone"):
        reproduction._bring_source(trained, root, tmp_path / "other", "data/my.csv", said.append)


def test_a_subfolder_of_a_repository_is_checked_out_with_its_changes(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path / "top %2F?", check=True, capture_output=True)

    root = tmp_path / "top %2F?/ml"
    (root / "src").mkdir(parents=True)
    git("init")
    (root / "src/code.py").write_text("one = 1\n")
    (root / "dvc.lock").write_text("stages: {}\n")
    git("add", "--all")
    git("commit", "--message", "all")
    git("worktree", "add", str(tmp_path / "tree"))
    (root / "src/code.py").write_text("one = 2\n")
    facts, changes = lineage.git(root), lineage.changes(root)
    assert facts["git.folder"] == "ml"

    for place in (root, tmp_path / "tree/ml"):
        top = tmp_path / f"of {place.parent.name}"
        reproduction._check_out(place, top, facts["git.commit"])
        reproduction._apply(top, changes, version())
        reproduction._prepare_dvc(top / "ml")
        assert (top / "ml/src/code.py").read_text() == "one = 2\n"
        assert not (top / "ml/dvc.lock").exists()


@pytest.mark.parametrize(
    ("folder", "path", "depth"),
    [
        ("", "data/my.csv", 0),
        ("", "../my.csv", 1),
        ("", "../../a/my.csv", 2),
        ("ml", "../my.csv", 0),
        ("", "/my.csv", 0),
    ],
)
def test_data_beside_the_checkout_goes_into_the_scratch_folder(
    tmp_path: Path, folder: str, path: str, depth: int
) -> None:
    trained = version(git__folder=folder)
    top = reproduction._nested(tmp_path / "scratch", trained, path)
    assert len(top.relative_to(tmp_path / "scratch").parts) == depth
    if not Path(path).is_absolute():
        assert (top / folder / path).resolve().is_relative_to(tmp_path / "scratch")
