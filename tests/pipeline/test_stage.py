import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline import stage
from tests.conftest import ROOT


def refused(main: object, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        stage.run(main)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_full_disk_is_one_line_wherever_it_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/file")

    monkeypatch.chdir(tmp_path)
    said = refused(main, capsys)
    assert said.startswith("error: /tmp/file: No space left on device; make room there or in ")
    assert said.count("\n") == 1


def test_another_exception_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def main() -> None:
        raise KeyError("a fault of this project's")

    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyError):
        stage.run(main)


def test_a_folder_that_dvc_cannot_work_in_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "{x}").mkdir()
    monkeypatch.chdir(tmp_path / "{x}")
    said = refused(lambda: Path("made").touch(), capsys)
    assert (
        said
        == f"error: {tmp_path}/{{x}}: DVC cannot work in a folder with a brace in its name: rename the folder\n"
    )
    assert not [*Path.cwd().iterdir()]


@pytest.mark.parametrize("name", ["feature%2Flogin", "{x}", "a$HOME"])
def test_make_refuses_a_folder_in_which_the_environment_would_not_work(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for file in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / file, folder)
    done = subprocess.run(["make", "setup"], cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {folder}: MLflow, DVC and setuptools cannot work in a folder with")
    assert not (folder / ".venv").exists()
