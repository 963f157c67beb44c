"""Carousel as a user has it: a wheel in an environment of its own, and projects in empty folders."""

import os
import random
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.conftest import LEFT_OUT, ROOT, Checkout, project_files

pytestmark = [pytest.mark.slow, pytest.mark.pipeline]

WORDS = {
    "billing": ["invoice", "charge", "refund", "payment", "card"],
    "login": ["password", "account", "code", "reset", "lock"],
    "shipping": ["parcel", "delivery", "courier", "address", "box"],
}


def wheel(folder: Path, version: str | None = None) -> Path:
    """Build a wheel of this checkout, perhaps of another version with another stage module."""
    source = folder / "source"
    for path in project_files():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, source / path)
    if version:
        for name, old in (("pyproject.toml", 'version = "'), ("src/carousel/__init__.py", '__version__ = "')):
            content = (source / name).read_text("utf-8")
            begin = content.index(old) + len(old)
            (source / name).write_text(content[:begin] + version + content[content.index('"', begin) :], "utf-8")
        with (source / "pipeline/register.py").open("a", encoding="utf-8") as file:
            file.write("# a comment of the new version\n")
        with (source / "src/carousel/registry/gates.py").open("a", encoding="utf-8") as file:
            file.write("# another one\n")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", folder, source], check=True)
    return next(folder.glob("*.whl"))


def install(environment: Path, file: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", environment / "bin/python"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--force-reinstall", file], check=True)


def tickets(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    lines = ["id,message,queue"]
    for number in range(300):
        queue = rng.choice(sorted(WORDS))
        one, other = rng.sample(WORDS[queue], 2)
        lines.append(f"{number},the {one} of order {rng.randrange(10**6)} and its {other} are wrong,{queue}")
    path.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture(scope="module")
def user(tmp_path_factory) -> Checkout:
    """Return an empty folder, and an environment that has a wheel of Carousel and this environment's libraries."""
    folder = tmp_path_factory.mktemp("user")
    environment = folder / "environment"
    venv.create(environment)
    inside = next((environment / "lib").glob("python*/site-packages"))
    # a path file is not read within a folder that another one adds, so this checkout's own installation is left out
    (inside / "libraries.pth").write_text("\n".join(site.getsitepackages()), "utf-8")
    install(environment, wheel(tmp_path_factory.mktemp("wheel")))
    dvc = environment / "bin/dvc"
    dvc.write_text(f"#!{environment}/bin/python\nimport sys\nfrom dvc.cli import main\nsys.exit(main())\n", "utf-8")
    dvc.chmod(0o755)
    (folder / "work").mkdir()
    variables = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
    for who in ("AUTHOR", "COMMITTER"):
        variables |= {f"GIT_{who}_NAME": "Test", f"GIT_{who}_EMAIL": "test@example.com"}
    return Checkout(folder / "work", variables | {"PATH": f"{environment}/bin:{os.environ['PATH']}"})


def test_from_a_csv_to_a_live_version_a_second_data_set_and_an_upgrade(user: Checkout, tmp_path_factory) -> None:
    tickets(user.path / "tickets.csv", 0)
    assert "carousel 0.1.0" in user.run("carousel", "--version")
    printed = user.run("carousel", "new", "support", "--data", "tickets.csv")
    assert "text column: message (guessed" in printed
    assert "300 documents, 3 labels, 0 rows rejected" in printed

    project = Checkout(user.path / "support", user.environment)
    project.set_params({"model.hidden_size": 8, "model.embedding_size": 8, "train.epochs": 1})
    project.run("git", "commit", "--all", "--quiet", "--message", "a small model")
    assert "support version 1 registered as challenger" in project.run("dvc", "repro")
    assert (project.path / "reports/model.html").exists()
    assert "carousel promote challenger" in project.run("carousel", "status")
    project.run("carousel", "promote", "challenger")
    assert "support version 1 is live" in project.run("carousel", "status")
    assert "billing" in project.run("carousel", "predict", "the invoice and the refund of a payment")

    # a second data set beside the first, in the same store
    tickets(project.path / "data/complaints.csv", 1)
    project.run("dvc", "add", "--quiet", "data/complaints.csv")
    (project.path / "experiments").mkdir()
    (project.path / "experiments/complaints.yaml").write_text(
        "data:\n  path: data/complaints.csv\nregistry:\n  name: complaints\n", "utf-8"
    )
    project.run("git", "add", "--all")
    project.run("git", "commit", "--quiet", "--message", "complaints")
    project.run("carousel", "run", "experiments/complaints.yaml")
    assert project.run("git", "status", "--porcelain") == ""
    assert "challenger" in project.run("carousel", "versions", "--name", "complaints")
    assert "support version 1 is live" in project.run("carousel", "status")

    # an upgrade
    install(user.path.parent / "environment", wheel(tmp_path_factory.mktemp("newer"), "0.2.0"))
    assert "Carousel 0.2.0 is installed" in project.run("carousel", "status")
    project.edit("params.yaml", "weight_decay: 0.01", "weight_decay: 0.02")
    assert "carousel upgrade" in project.run("dvc", "repro", code=None)
    project.edit("params.yaml", "weight_decay: 0.02", "weight_decay: 0.01")
    shown = project.run("carousel", "upgrade", "--dry-run")
    assert "+# a comment of the new version" in shown
    assert "would run register again" in shown
    project.run("carousel", "upgrade")
    printed = project.run("dvc", "repro")
    assert "Running stage 'register'" in printed
    assert "Running stage 'train'" not in printed
    assert "support version 1 is live" in project.run("carousel", "status")
