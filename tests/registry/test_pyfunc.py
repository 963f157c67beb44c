"""The registered model where it will live: another environment, and a server."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path

import pytest

from tests.conftest import Checkout

pytestmark = pytest.mark.pipeline

TEXTS = ["Return a new event loop for the current thread", "Parse an XML document.", "mean of the data", ""]
MODEL = "models:/stdlib-docs@challenger"


def predictions_of_cli(checkout: Checkout) -> list[dict]:
    printed = checkout.carousel("predict", "--json", *TEXTS)
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def assert_equal(found: list[dict], expected: list[dict]) -> None:
    assert len(found) == len(expected) == len(TEXTS)
    for one, other in zip(found, expected, strict=True):
        assert one["label"] == other["label"]
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-5)


@pytest.fixture(scope="module")
def foreign_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the libraries but not this project: an editable install's .pth is not followed."""
    folder = tmp_path_factory.mktemp("foreign")
    venv.create(folder, symlinks=True, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/python"


def test_another_environment_without_this_project_gives_the_same_answers(
    finished: Checkout, foreign_python: Path, tmp_path: Path
) -> None:
    code = f"""
import importlib.util, json, sys
assert importlib.util.find_spec("carousel") is None
import mlflow
model = mlflow.pyfunc.load_model({MODEL!r})
predictions = model.predict({TEXTS!r})
unwanted = {{"pytorch_lightning", "lightning", "dvc", "optuna", "torchtext"}} & set(sys.modules)
print(json.dumps([predictions, sorted(unwanted)]))
"""
    printed = Checkout(tmp_path, finished.environment).run(
        str(foreign_python),
        "-W",
        "ignore",
        "-c",
        code,
        PYTHONPATH="",
        MLFLOW_TRACKING_URI=f"sqlite:///{finished.path / 'mlflow.db'}",
    )
    predictions, unwanted = json.loads(printed.strip().splitlines()[-1])
    assert unwanted == []
    assert_equal(predictions, predictions_of_cli(finished))


def test_mlflow_models_serve_gives_the_same_answers_over_http(finished: Checkout) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = finished.environment | {"MLFLOW_TRACKING_URI": f"sqlite:///{finished.path / 'mlflow.db'}"}
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", MODEL, "--env-manager", "local"]
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        cwd=finished.path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/ping")
        table = {"columns": ["id", "text"], "data": [[f"markup {i}", text] for i, text in enumerate(TEXTS)]}
        records = [{"id": i, "text": text} for i, text in enumerate(TEXTS)]
        payloads = (
            {"inputs": TEXTS}, {"instances": TEXTS}, {"dataframe_split": table}, {"dataframe_records": records},
        )  # fmt: skip
        predictions = [asked(port, payload)["predictions"] for payload in payloads]
        with pytest.raises(urllib.error.HTTPError) as refused:
            asked(port, {"inputs": ["a text", None]})
        assert refused.value.code == 400
        assert "text 2: is missing" in json.load(refused.value)["message"]
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)
    expected = predictions_of_cli(finished)
    for found in predictions:
        assert_equal(found, expected)


def asked(port: int, payload: dict) -> dict:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        data=json.dumps(payload).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def wait_until_up(url: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() < deadline, f"{url} did not come up"
            time.sleep(0.3)
