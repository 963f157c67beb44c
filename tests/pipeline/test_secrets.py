"""A password in every place that takes a URL, and a search for it wherever the pipeline writes."""

import secrets
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import Checkout
from tests.postgresql import serve

pytestmark = [pytest.mark.slow, pytest.mark.pipeline]

WORD = secrets.token_hex(8)  # in no source file of the checkout that is searched
PASSWORD = f"a@/{WORD}?#%{{b}}"


def with_the_word(*folders: Path) -> list[str]:
    """Return the files that hold the word, of whichever kind they are."""
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return [str(file) for file in files if WORD.encode() in file.read_bytes()]


def test_no_file_store_log_or_page_has_the_password(finished: Checkout, tmp_path: Path) -> None:
    checkout = finished.copy(tmp_path / "copy")
    checkout.set_params({"sweep.seed": 7})
    printed: list[str] = []

    def run(*command: str, code: int, **environment: str) -> None:
        printed.append(checkout.run(*command, code=code, **environment))
        if code == 2:
            lines = printed[-1].splitlines()
            assert len(lines) == 1, printed[-1]
            assert lines[0].startswith("error: ")

    with serve(PASSWORD) as server:
        where = ("-h", "127.0.0.1", "-p", str(server.port), "-U", "carousel")
        checkout.run("psql", *where, "-c", "create database mlflow", "postgres", PGPASSWORD=PASSWORD)
        stores = {
            "MLFLOW_TRACKING_URI": server.url(PASSWORD, "mlflow"),
            "CAROUSEL_SWEEP_STORAGE": server.url(PASSWORD),
        }
        for stage in ("sweep", "train", "evaluate", "register"):
            run("dvc", "repro", "--force", "--single-item", stage, code=0, **stores)
        run("carousel", "sweep", "status", code=0, **stores)
        run("carousel", "sweep", "status", "--storage", stores["CAROUSEL_SWEEP_STORAGE"], code=0)
        run("carousel", "promote", "challenger", code=0, **stores)
        run("carousel", "lineage", "champion", code=0, **stores)
        run("carousel", "compare", "champion", "models/bundle", "--html", "page.html", code=0, **stores)
        run("carousel", "predict", "some text", code=0, **stores)

        wrong = server.url(f"{PASSWORD}wrong", "mlflow")
        nowhere = f"postgresql://me:{quote(PASSWORD, safe='')}@127.0.0.1:9/x"
        for bad in (
            wrong,
            nowhere,
            nowhere.replace("127.0.0.1:9", "nowhere.invalid"),
            nowhere.replace(":9/", ":p/"),
        ):
            run("carousel", "versions", code=2, MLFLOW_TRACKING_URI=bad)
            run("carousel", "sweep", "status", "--storage", bad, code=2)
            run("pipeline/run", "sweep", code=2, CAROUSEL_SWEEP_STORAGE=bad)
            run("pipeline/run", "train", code=2, MLFLOW_TRACKING_URI=bad)
        for bad in (f"http://me:{WORD}@127.0.0.1:9", f"http://me:{WORD}@host:port", f"http//me:{WORD}@host"):
            run("carousel", "versions", code=2, MLFLOW_TRACKING_URI=bad)
            run("pipeline/run", "evaluate", code=2, MLFLOW_TRACKING_URI=bad)

        params = (checkout.path / "params.yaml").read_text()
        checkout.set_params({"sweep.storage": nowhere})
        run("pipeline/run", "sweep", code=2)
        run("pipeline/run", "train", code=2)
        assert "set CAROUSEL_SWEEP_STORAGE" in printed[-1]
        run("dvc", "repro", code=255)
        (checkout.path / "params.yaml").write_text(params)

        assert not [text for text in printed if WORD in text]
        assert with_the_word(checkout.path, server.folder) == []
