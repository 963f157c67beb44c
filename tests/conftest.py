"""A small checkout in which the real pipeline has run, shared by every test that needs one."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support import forked

ROOT = Path(__file__).parents[1]

# Commands in the background ignore Ctrl-C, and so would the processes that tests interrupt
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Real text, little of it: three topics of the built-in data set
TOPICS = """\
markup: [html, xml]
numeric: [statistics, random, fractions]
files: [zipfile, tarfile, shutil]
"""
SMALL = {
    "model.embedding_size": 16,
    "model.hidden_size": 16,
    "train.epochs": 3,
    "train.batch_tokens": 0,
    "train.learning_rate": 0.02,
    "sweep.trials": 2,
    "baseline.c": [10.0],
}
# Neither a person's own MLflow server nor DVC experiment may leak into a test, nor a test into them
LEFT_OUT = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "CAROUSEL_SWEEP_STORAGE",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONWARNINGS",
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass(frozen=True)
class Checkout:
    """A folder with the project in it, and how to run commands there."""

    path: Path
    environment: dict[str, str]

    def run(self, *command: str, code: int | None = 0, timeout: float = 1800, **extra: str) -> str:
        """Run a command as a person would, check its exit code, and return what it printed."""
        done = subprocess.run(  # the exit code is checked below
            command,
            cwd=self.path,
            env=self.environment | extra,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return self._printed(done, code)

    def carousel(self, *arguments: str, code: int | None = 0, timeout: float = 300, **extra: str) -> str:
        """Run a command of `carousel` as `run` does, without the seconds that its imports take."""
        return self.forked(forked.carousel, *arguments, code=code, timeout=timeout, **extra)

    def python(self, code: str, **extra: str) -> str:
        """Run Python code in the checkout."""
        return self.forked(forked.python, code, **extra)

    def forked(
        self, target: Callable[..., None], *arguments: str, code: int | None = 0, timeout: float = 300, **extra: str
    ) -> str:
        """Call a function of a module in a forked process, check its exit code, and return what it printed."""
        done = forked.run(target, *arguments, cwd=self.path, env=self.environment | extra, timeout=timeout)
        return self._printed(done, code)

    @staticmethod
    def _printed(done: subprocess.CompletedProcess[str], code: int | None) -> str:
        printed = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"{done.args} exited {done.returncode}:\n{printed}"
        return printed

    def read(self, path: str) -> dict:
        """Read a JSON report."""
        return json.loads((self.path / path).read_text("utf-8"))

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file, which must be there."""
        content = (self.path / path).read_text("utf-8")
        assert old in content, f"{path} has no {old!r}"
        (self.path / path).write_text(content.replace(old, new), "utf-8")

    def set_params(self, values: Mapping[str, object]) -> None:
        """Give keys of params.yaml, which must be there, other values."""
        from dvc.utils.serialize import modify_yaml

        with modify_yaml(str(self.path / "params.yaml")) as content:
            for key, value in values.items():
                section, name = key.split(".")
                assert name in content[section], f"params.yaml has no {key}"
                content[section][name] = value

    def copy(self, to: Path) -> "Checkout":
        """Return a checkout of its own in the same state; its store is its own, too."""
        shutil.copytree(self.path, to, symlinks=True)
        return Checkout(to, self.environment)


def project_files() -> list[Path]:
    """Return the project's files, relative to its root: what git tracks, or outside git all but what is made."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        files = [Path(name) for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        made = {
            ".venv",
            "__pycache__",
            "mlruns",
            "artifacts",
            "models",
            ".carousel",
            ".pytest_cache",
            "cache",
            "tmp",
        }
        files = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
        files = [path for path in files if not made.intersection(path.parts)]
    return [path for path in files if path.parts[0] not in ("reports", "dvc.lock") and (ROOT / path).is_file()]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of commands in a checkout."""
    binaries = Path(sys.executable).parent
    kept = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
    return kept | {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "src",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
        "DVC_SITE_CACHE_DIR": str(folder.parent / f"{folder.name}-dvc-site-cache"),
        "GIT_AUTHOR_NAME": "test",
        "GIT_AUTHOR_EMAIL": "test@localhost",
        "GIT_COMMITTER_NAME": "test",
        "GIT_COMMITTER_EMAIL": "test@localhost",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


def make_checkout(folder: Path, *, git: bool = True) -> Checkout:
    """Copy the project to a folder, with small data and a small model."""
    for path in project_files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    checkout = Checkout(folder, environment(folder))
    (folder / "data/stdlib_docs.yaml").write_text(TOPICS, "utf-8")
    checkout.set_params(SMALL)
    if git:
        checkout.run("git", "init", "--quiet", "--initial-branch=main")
        checkout.run("git", "add", "--all")
        checkout.run("git", "commit", "--quiet", "--message", "start")
    else:
        (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n", "utf-8")
    return checkout


@pytest.fixture(scope="module", autouse=True)
def _own_search_path() -> Iterator[None]:
    """Restore the search path: `mlflow.pyfunc` puts the code of a version first, and workers would import that."""
    before = [*sys.path]
    yield
    sys.path[:] = before


@pytest.fixture(autouse=True)
def _no_secrets_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the secrets that `redact` replaces: a test's made-up password may be a word of another's messages."""
    monkeypatch.setattr("carousel.url._replaced", {})


def built_once(tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Checkout:
    """Return a copy of a checkout that the first of the test processes builds, and the others wait for."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    original = shared / f"{name}-original" / "checkout"
    with FileLock(shared / f"{name}.lock"):
        if not (original.parent / "built").exists():
            shutil.rmtree(original.parent, ignore_errors=True)
            original.parent.mkdir()
            build(original)
            (original.parent / "built").touch()
    copied = tmp_path_factory.mktemp(name) / "checkout"
    return Checkout(original, environment(original)).copy(copied)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout after `dvc repro`, committed. Tests read it; one that writes takes a copy, or the store's name."""

    def build(folder: Path) -> None:
        checkout = make_checkout(folder)
        printed = checkout.run("dvc", "repro")
        (checkout.path / "repro.log").write_text(printed, "utf-8")
        checkout.run("git", "add", "dvc.lock", "reports")
        checkout.run("git", "commit", "--quiet", "--message", "first model")

    return built_once(tmp_path_factory, "finished", build)


@pytest.fixture(scope="session")
def two_models(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy in which `dvc exp run` has trained a GRU beside the LSTM, without a sweep. Tests read it."""

    def build(folder: Path) -> None:
        checkout = finished.copy(folder)
        settings = ("model.cell=gru", "train.learning_rate=0.015", "sweep.trials=0")
        options = (part for setting in settings for part in ("--set-param", setting))
        printed = checkout.run("dvc", "exp", "run", *options)
        (checkout.path / ".dvc/tmp/exp-run.log").write_text(printed, "utf-8")

    return built_once(tmp_path_factory, "two_models", build)
