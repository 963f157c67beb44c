import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from carousel.errors import UserError
from carousel.tracking import store


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_a_temporary_copy_belongs_to_the_checkout_that_it_was_made_in(tmp_path: Path) -> None:
    assert store.main_checkout(tmp_path) == tmp_path
    for copy in ("standalone/tmpab12", "tmpx_y", "queue/deeper/tmpz"):
        assert store.main_checkout(tmp_path / ".dvc/tmp/exps" / copy) == tmp_path
    assert store.main_checkout(tmp_path / ".dvc/cache/files") == tmp_path / ".dvc/cache/files"


def test_the_environment_names_another_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert str(store.tracking_uri()) == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert str(store.tracking_uri()) == "http://mlflow.example:5000"


def test_a_server_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9: the MLflow server cannot be reached .*refused"):
        store.connect()


def test_a_damaged_store_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is not SQLite" * 100)
    with pytest.raises(UserError, match=r"mlflow\.db: the MLflow store cannot be used"):
        store.connect()


OPEN_AND_LOG = """
import sys
from carousel.tracking import store
client = store.connect()
run = client.create_run(store.experiment(client, "together"), run_name=f"run {sys.argv[1]}")
client.set_terminated(run.info.run_id)
"""


def test_processes_that_create_the_store_together_lose_nothing(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_LOG, str(number)], cwd=tmp_path) for number in range(3)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0]
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        names = [name for (name,) in database.execute("select name from runs order by name")]
    database.close()
    assert names == ["run 0", "run 1", "run 2"]


DIE_MAKING_TABLES = """
import os
from sqlalchemy import Engine, event
from carousel.tracking import store

@event.listens_for(Engine, "before_cursor_execute")
def die(connection, cursor, statement, *rest):
    if "CREATE TABLE review_queue_users" in statement:  # its migration has made a table already
        os._exit(9)

store.connect()
"""


def test_a_store_whose_making_was_killed_is_made_again(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", DIE_MAKING_TABLES], cwd=tmp_path, check=False).returncode == 9
    assert not (tmp_path / "mlflow.db").exists()
    client = store.connect()
    assert client.get_experiment(store.experiment(client, "docs")).name == "docs"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mlflow.db"]


def test_artifacts_lie_beside_the_store_wherever_the_stage_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / ".dvc/tmp/exps/tmp1"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    client = store.connect()
    made = client.get_experiment(store.experiment(client, "docs"))
    assert made.artifact_location == (tmp_path / "mlruns/docs").as_uri()
    assert made.tags["mlflow.experimentKind"] == "custom_model_development"
    assert not (copy / "mlflow.db").exists()


def test_a_deleted_experiment_comes_back(tmp_path: Path) -> None:
    client = store.connect()
    made = store.experiment(client, "docs")
    client.delete_experiment(made)
    assert store.experiment(client, "docs") == made
    assert client.get_experiment(made).lifecycle_stage == "active"
