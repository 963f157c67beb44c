import os
import shutil
import sqlite3
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import mlflow
import pytest
from sqlalchemy.engine import make_url

from carousel.errors import UserError
from carousel.tracking import environment, store


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):  # MLflow keeps there what connect() gave it
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


def test_a_temporary_copy_belongs_to_the_checkout_that_it_was_made_in(tmp_path: Path) -> None:
    assert store.main_checkout(tmp_path) == tmp_path
    for copy in ("standalone/tmpab12", "tmpx_y", "queue/deeper/tmpz"):
        assert store.main_checkout(tmp_path / ".dvc/tmp/exps" / copy) == tmp_path
    assert store.main_checkout(tmp_path / ".dvc/cache/files") == tmp_path / ".dvc/cache/files"


HOSTILE = [
    "feature%2Flogin", "what now?", "a#b", "100%", "%25", " lead", "trail ", "a;b&c=d", "it's", 'say "x"',
    "Überlegung-日本", "-dash", "{x}", "$HOME", "`x`", "[ab]*", "a\\b", "a\nb", "a\tb",
    "~", "a:b", "a,b", "🙂", "<a|b>", "x" * 200,
]  # fmt: skip


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with all its tables, which take seconds to make."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store.connect()
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_the_store_and_its_files_are_in_the_folder_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path, name: str
) -> None:
    checkout = tmp_path / "beside" / name
    checkout.mkdir(parents=True)
    shutil.copy(empty_store, checkout / "mlflow.db")
    monkeypatch.chdir(checkout)
    client = store.connect()
    run = client.create_run(store.experiment(client, "docs"))
    client.log_text(run.info.run_id, "hello", "folder/file.txt")
    (tmp_path / "copy").mkdir()
    assert Path(client.download_artifacts(run.info.run_id, "folder/file.txt", str(tmp_path / "copy"))).exists()
    client._tracking_client.store.engine.dispose()

    with sqlite3.connect(checkout / "mlflow.db") as database:
        assert database.execute("select count(*) from runs").fetchone() == (1,)
    database.close()
    assert len([*(checkout / "mlruns/docs").rglob("file.txt")]) == 1
    assert [path.name for path in (tmp_path / "beside").iterdir()] == [name]


@pytest.mark.parametrize("name", ["feature%2Flogin", "what now?"])
def test_a_new_store_is_in_the_folder_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    checkout = tmp_path / "beside" / name
    checkout.mkdir(parents=True)
    monkeypatch.chdir(checkout)
    store.connect()
    assert (checkout / "mlflow.db").is_file()
    assert [path.name for path in (tmp_path / "beside").iterdir()] == [name]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_url_of_a_file_is_read_as_that_file(name: str) -> None:
    path = Path("/work") / name / "mlflow.db"
    assert make_url(store.sqlite_url(path)).database == str(path)
    assert not make_url(store.sqlite_url(path)).query


def test_a_folder_whose_name_mlflow_would_change_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the folder's name is not utf-8, and MLflow would write elsewhere"):
        store.check_place(Path(os.fsdecode(b"/srv/\xff\xfe")))


def test_a_temporary_folder_whose_name_mlflow_would_change_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a%2Fb"))
    with pytest.raises(UserError, match=r"TMPDIR .*a%2Fb: MLflow would decode the percent sign"):
        store.check_place()


def test_an_environment_whose_name_mlflow_cannot_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ModuleSpec("mlflow", None, is_package=True)
    found.submodule_search_locations = ["/srv/feature%2Flogin/.venv/lib/mlflow"]
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: found)
    with pytest.raises(UserError, match=r"feature%2Flogin.*: MLflow cannot open its store if its own folder has a"):
        store.check_place()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    store.check_place()


@pytest.mark.parametrize("name", environment.IGNORED)
def test_a_variable_that_chooses_another_run_is_ignored_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv(name, "0123456789abcdef0123456789abcdef")
    environment.ignore()
    environment.ignore()
    assert name not in os.environ
    said = f"warning: {name} of the environment ignored: registry.name in params.yaml decides where runs go\n"
    assert capsys.readouterr().err == said


def test_a_run_is_a_new_one_in_its_own_experiment_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path
) -> None:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    for name in environment.IGNORED:
        monkeypatch.setenv(name, "0123456789abcdef0123456789abcdef")
    client = store.connect()
    own = store.experiment(client, "docs")
    with mlflow.start_run(experiment_id=own) as run:
        mlflow.log_metric("accuracy", 1.0)
    assert client.get_run(run.info.run_id).info.experiment_id == own


@pytest.mark.parametrize(
    ("name", "value"), [("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon"), ("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "maybe")]
)
def test_a_variable_that_mlflow_cannot_read_is_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=f"^environment variable {name}: .*{value}.*; correct or unset it$"):
        store.connect()


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://127.0.0.1:9", "cannot be reached .* fix or unset MLFLOW_REGISTRY_URI"),
        ("bogus://somewhere", "MLFLOW_REGISTRY_URI=bogus://somewhere: has the unknown scheme bogus"),
    ],
)
def test_a_registry_that_cannot_be_used_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path, uri: str, message: str
) -> None:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", uri)
    with pytest.raises(UserError, match=message):
        store.connect()


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


@pytest.mark.slow
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
