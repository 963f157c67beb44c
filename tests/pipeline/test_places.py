"""Places where a run goes on as anywhere else: DVC's kinds of links, and a subfolder of a repository."""

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.conftest import Checkout, make_checkout

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]


def unchanged(cache: Path) -> bool:
    """Whether each file in DVC's cache still has the content that it is named after."""
    files = [path for path in cache.glob("files/md5/*/*") if path.is_file()]
    return len(files) > 10 and all(
        hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        == f"{path.parent.name}{path.name}".removesuffix(".dir")
        for path in files
    )


def commit(checkout: Checkout, top: Path) -> None:
    """Make a folder above the checkout a repository that has it."""
    for command in (["init", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "--message", "all"]):
        checkout.run("git", "-C", str(top), *command)
    checkout.run("pipeline/scm")
    assert not (checkout.path / ".dvc/config.local").read_text().count("no_scm")


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "reflink,copy", "copy"])
def test_a_run_with_each_kind_of_link_to_dvcs_cache(finished: Checkout, tmp_path: Path, kind: str) -> None:
    checkout = finished.copy(tmp_path / "copy")
    cache = checkout.path / ".dvc/cache"
    checkout.run("dvc", "config", "--local", "cache.type", kind)
    checkout.run("dvc", "checkout", "--relink")
    weights = checkout.path / "models/bundle/weights.safetensors"
    assert weights.is_symlink() == (kind == "symlink")
    assert (weights.stat().st_nlink > 1) == (kind == "hardlink")

    for stage in ("prepare", "evaluate"):  # by hand, so that DVC does not remove the links first
        checkout.run("pipeline/run", stage)
    checkout.set_params({"registry.name": "elsewhere"})
    checkout.run("dvc", "repro")
    assert checkout.read("reports/registered.json")["name"] == "elsewhere"
    assert "version 1" in checkout.run("carousel", "predict", "--model", "1", "Parse an XML document.")
    assert "nothing differs" in checkout.run("carousel", "lineage", "1")
    assert unchanged(cache)


def test_a_subfolder_of_a_repository_with_an_odd_name(tmp_path: Path) -> None:
    top = tmp_path / "what now? %2F it's [a] & b;c é"
    checkout = make_checkout(top / "ml", git=False)
    checkout.set_params({"sweep.trials": 0})
    commit(checkout, top)
    checkout.run("dvc", "repro", MLFLOW_RUN_ID="0123456789abcdef0123456789abcdef")
    assert "version 1" in checkout.run("carousel", "predict", "--model", "1", "Parse an XML document.")
    printed = checkout.run("carousel", "lineage", "1")
    assert "nothing differs" in printed
    assert "of the repository" in printed
    assert {path.name for path in top.iterdir()} <= {".git", "ml", "ml-dvc-site-cache"}
    assert [path.name for path in tmp_path.iterdir()] == [top.name]


def test_an_experiment_in_a_subfolder_of_a_repository(tmp_path: Path) -> None:
    top = tmp_path / "repository"
    checkout = make_checkout(top / "ml", git=False)
    shutil.rmtree(checkout.path / ".dvc/tmp", ignore_errors=True)
    checkout.set_params({"sweep.trials": 0})
    commit(checkout, top)
    checkout.run("dvc", "exp", "run", "--temp", "--name", "gru", "--set-param", "model.cell=gru")
    assert "gru" in checkout.run("dvc", "exp", "show", "--csv")
    assert not list((checkout.path / ".dvc/tmp").rglob("mlflow.db"))
    assert "is reproduced: the same fingerprint" in checkout.run("carousel", "reproduce", "1")
