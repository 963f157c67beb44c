import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules['torch'] = None; "


@pytest.mark.parametrize("module", ["carousel.serving.supervisor", "carousel.serving.worker", "carousel.cli.serve"])
def test_what_the_container_runs_imports_no_torch(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{WITHOUT}import {module}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_worker_imports_no_mlflow_and_no_fastapi() -> None:
    absent = (
        "assert not {'torch', 'mlflow', 'fastapi', 'polars', 'sqlalchemy'} & set(sys.modules), sys.modules.keys()"
    )
    code = f"{WITHOUT}del sys.modules['torch']; import carousel.serving.worker; {absent}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
