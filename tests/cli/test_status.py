"""Which version is live: `carousel status`, also in a checkout that cannot be written."""

import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Checkout
from tests.support import forked

pytestmark = pytest.mark.pipeline
WIDTH = 100


@pytest.fixture(scope="module")
def promoted(two_models: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy in which version 1 is champion, and version 2 is waiting."""
    checkout = two_models.copy(tmp_path_factory.mktemp("promoted") / "checkout")
    checkout = Checkout(checkout.path, checkout.environment | {"COLUMNS": str(WIDTH)})
    checkout.carousel("promote", "1", "--reason", "the first one")
    return checkout


def set_writable(folder: Path, writable: bool) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | stat.S_IWUSR if writable else mode & ~0o222)


@pytest.fixture(scope="module")
def read_only(promoted: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy in which no file and no folder can be written."""
    if os.geteuid() == 0 and sys.platform != "linux":
        pytest.skip("root can write everywhere")
    checkout = promoted.copy(tmp_path_factory.mktemp("read_only") / "checkout")
    set_writable(checkout.path, False)
    yield checkout
    set_writable(checkout.path, True)


def test_status_names_the_champion_why_and_what_is_waiting(promoted: Checkout) -> None:
    printed = promoted.carousel("status")
    lines = printed.splitlines()
    assert lines[0].rstrip() == "stdlib-docs version 1 is live"
    for expected in ("the first one", "none was measured; skipped: not_worse", "promoted by", "linear baseline"):
        assert expected in printed
    assert re.search(r"waiting +version 2 \(challenger\), registered \d{4}", printed)
    assert re.search(r"next +carousel compare champion challenger *\n +carousel promote challenger", printed)
    assert re.search(r"folder +as it was for version 2", printed)
    assert max(map(len, lines)) <= WIDTH


def test_each_next_command_works(promoted: Checkout, tmp_path: Path) -> None:
    checkout = promoted.copy(tmp_path / "copy")
    commands = json.loads(checkout.carousel("status", "--json"))["next"]
    assert commands == ["carousel compare champion challenger", "carousel promote challenger"]
    for command in commands:
        checkout.carousel(
            *command.split()[1:], *(["--force", "--reason", "a test"] if "promote" in command else [])
        )
    found = json.loads(checkout.carousel("status", "--json"))
    assert (found["champion"]["number"], found["previous"]["number"], found["next"]) == (2, 1, [])
    changes = {change["name"]: (change["before"], change["after"]) for change in found["changes"]}
    assert changes["model.cell"] == ("lstm", "gru")
    assert not {change["group"] for change in found["changes"]} & {"data", "environment"}

    checkout.carousel("rollback", "--reason", "wrong on files")
    printed = checkout.carousel("status")
    for expected in (
        "version 1 is live",
        "rolled back from version 2",
        "wrong on files",
        "a rollback has no gates",
    ):
        assert expected in printed
    assert re.search(r"waiting +no version", printed)
    assert "promote" not in checkout.carousel("summary")
    assert "name one by its number" in checkout.carousel("compare", "champion", "challenger", code=2)


def test_status_says_what_changed_in_the_folder(promoted: Checkout, tmp_path: Path) -> None:
    checkout = promoted.copy(tmp_path / "copy")
    checkout.set_params({"train.clip_norm": 0.5})
    assert "sweep (params.yaml: train)" in " ".join(checkout.carousel("status").split())


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "versions",
        "lineage 1",
        "summary",
        "predict text",
        "compare 1 2",
        "promote challenger --dry-run",
    ],
)
def test_what_only_reads_needs_no_write_access(read_only: Checkout, command: str) -> None:
    before = {path: path.lstat().st_mtime_ns for path in read_only.path.rglob("*")}
    code = None if "dry-run" in command else 0  # whatever the gates say
    assert "Traceback" not in read_only.forked(forked.unprivileged_carousel, *command.split(), code=code)
    assert {path: path.lstat().st_mtime_ns for path in read_only.path.rglob("*")} == before


def test_what_writes_is_refused_in_one_line(read_only: Checkout) -> None:
    for command in ("rollback --to 2", "retire 2", "promote 2 --force --reason test"):
        printed = read_only.forked(forked.unprivileged_carousel, *command.split(), code=None).splitlines()
        assert re.search(r"cannot be written|^refused|^error", printed[-1])
        assert not any("Traceback" in line for line in printed)


def test_without_a_store_none_is_made(promoted: Checkout, tmp_path: Path) -> None:
    checkout = promoted.copy(tmp_path / "copy")
    (checkout.path / "mlflow.db").unlink()
    for command in ("status", "versions", "summary", "predict text", "promote 1", "compare 1 2"):
        printed = checkout.carousel(*command.split(), code=2)
        assert "no store yet; `dvc repro --force --downstream train` makes it" in printed
        assert not (checkout.path / "mlflow.db").exists()


@pytest.mark.slow
def test_the_command_for_a_lost_store_makes_it_again(promoted: Checkout, tmp_path: Path) -> None:
    checkout = promoted.copy(tmp_path / "copy")
    (checkout.path / "mlflow.db").unlink()
    checkout.run("dvc", "repro", "--force", "--downstream", "train")
    assert re.search(r"next +carousel promote challenger", checkout.carousel("status"))
    checkout.python("from carousel.tracking.store import connect; connect().delete_registered_model('stdlib-docs')")
    for command in ("versions", "status"):
        assert "dvc repro --force --single-item register" in checkout.carousel(command)
    checkout.run("dvc", "repro", "--force", "--single-item", "register")
    assert "registered  stdlib-docs version 1 (challenger)" in checkout.carousel("summary")
