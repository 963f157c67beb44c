"""Ctrl-C while a command or a stage is still being imported: one line, no traceback."""

import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SIGNAL = """
import os, signal, sys, threading

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""
MODULES = ("typer", "carousel.cli.app", "carousel.cli.output", "carousel.files", "carousel.url")


def run_with(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code that imports the modules of a folder first."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )


def interrupted(folder: Path, module: str, code: str) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(SIGNAL.format(module=module))
    return run_with(folder, code)


@pytest.mark.parametrize("module", MODULES)
def test_a_command_that_is_interrupted_while_it_is_imported_ends_in_a_line(tmp_path: Path, module: str) -> None:
    done = interrupted(tmp_path, module, "from carousel.cli import main; main()")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize("module", ["pipeline.stage", "carousel.layout", "polars"])
def test_a_stage_that_is_interrupted_while_it_is_imported_ends_in_a_line(tmp_path: Path, module: str) -> None:
    done = interrupted(tmp_path, module, "import runpy; runpy.run_module('pipeline.train', run_name='__main__')")
    assert done.returncode == 130
    assert done.stderr.startswith("stopped: interrupted before anything was done")
    assert done.stderr.count("\n") == 1


def test_a_command_with_a_module_that_was_cut_short_ends_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("value = [1, 2, 3]\n")
    compiled = Path(py_compile.compile(str(tmp_path / "typer.py"), doraise=True))
    compiled.write_bytes(compiled.read_bytes()[:20])
    for code in ("from carousel.cli import main; main()", "import pipeline, typer"):
        done = run_with(tmp_path, code)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {compiled}: a compiled module that was cut short")
        assert done.stderr.count("\n") == 1
