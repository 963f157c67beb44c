"""Where commands find their project, and what the paths that a user types are relative to."""

from pathlib import Path

import pytest

from carousel import __version__
from tests.conftest import ROOT, Checkout

pytestmark = pytest.mark.pipeline


def below(finished: Checkout, folder: str) -> Checkout:
    """A subfolder of the project, as the current folder of commands."""
    return Checkout(finished.path / folder, finished.environment | {"PYTHONPATH": str(finished.path / "src")})


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("data", "status"),
        ("data", "summary"),
        ("data", "pin --dry-run"),
        ("src/carousel/cli", "versions"),
        ("src/carousel/cli", "predict text"),
    ],
)
def test_a_subfolder_is_as_good_as_the_root(finished: Checkout, folder: str, command: str) -> None:
    words = command.split()
    assert below(finished, folder).carousel(*words) == finished.carousel(*words)


def test_paths_are_relative_to_the_users_folder(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    (checkout.path / "data/texts.txt").write_text("Parse an XML document.\n")
    data = below(checkout, "data")
    assert "markup" in data.carousel("predict", "--file", "texts.txt")
    assert "markup" in data.carousel("predict", "--bundle", "../models/bundle", "--file", "texts.txt")
    data.carousel("compare", "../models/bundle", "1", "--html", "page.html")
    assert (checkout.path / "data/page.html").exists()
    printed = data.carousel("predict", "--file", "nowhere.txt", code=2)
    assert printed.startswith(f"error: {checkout.path}/data/nowhere.txt: cannot be read")


def test_outside_of_a_project_a_command_says_so(tmp_path: Path, finished: Checkout) -> None:
    outside = Checkout(tmp_path, finished.environment | {"PYTHONPATH": str(ROOT / "src")})
    assert outside.carousel("--version") == f"carousel {__version__}\n"
    assert "--history" in outside.carousel("versions", "--help")
    bundle = str(finished.path / "models/bundle")
    assert "markup" in outside.carousel("predict", "--bundle", bundle, "Parse an XML document.")
    for command in ("status", "summary", "use tagging"):
        printed = outside.carousel(*command.split(), code=2)
        assert printed.startswith(f"error: {tmp_path}: not in a project")
        assert len(printed.splitlines()) == 1
    assert not list(tmp_path.iterdir())
