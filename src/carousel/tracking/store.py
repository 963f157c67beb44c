"""Where MLflow keeps runs and versions: the server that the environment names, or a store in the main checkout."""

import contextlib
import importlib.util
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from carousel import layout
from carousel.errors import UserError, first_line
from carousel.files import read_json, replacing
from carousel.params import load
from carousel.tracking import address, environment
from carousel.url import Url, redact

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRAIN_AGAIN = "dvc repro --force --downstream train"  # makes a new run in the store, and registers its model


def main_checkout(here: Path | None = None) -> Path:
    """Return the checkout that holds the store, also from inside DVC's temporary copies of it.

    `dvc exp run --temp` and `dvc queue` run the pipeline in a copy at `.dvc/tmp/exps/…` of the checkout.
    """
    here = (here or Path.cwd()).resolve()
    for parent in here.parents:
        if parent.name == ".dvc" and here.relative_to(parent).parts[:2] == ("tmp", "exps"):
            return parent.parent
    return here


def check_place(here: Path | None = None) -> None:
    """Check that MLflow can work in this folder, and in the one for temporary files.

    Raises:
        UserError: when it would decode the name of one into that of another folder.
    """
    checkout = main_checkout(here)
    try:
        str(checkout).encode("utf-8")
    except UnicodeEncodeError as error:
        raise UserError(
            f"{os.fsencode(checkout)!r}: the folder's name is not {sys.getfilesystemencoding()}, and MLflow "
            "would write elsewhere: rename the folder, or set PYTHONUTF8=1 if it is UTF-8"
        ) from error
    found = importlib.util.find_spec("mlflow")
    installed = next(iter(found.submodule_search_locations or ()), "") if found else ""
    if "%" in installed and tracking_uri().scheme == "sqlite":
        raise UserError(
            f"{installed}: MLflow cannot open its store if its own folder has a percent sign: rename the folder, "
            "or put the environment into another one and link .venv to it"
        )
    if re.search("%[0-9a-fA-F]{2}", scratch := tempfile.gettempdir()):
        raise UserError(f"TMPDIR {scratch}: MLflow would decode the percent sign: let TMPDIR name another folder")


def tracking_uri() -> Url:
    """Return `MLFLOW_TRACKING_URI`, else the SQLite store at the root of the main checkout.

    Raises:
        UserError: when the variable is empty or malformed.
    """
    return address.named(address.TRACKING) or Url(sqlite_url(main_checkout() / layout.MLFLOW_STORE))


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file, whatever its folders are called: SQLAlchemy decodes `%2F`, and cuts at `?`.

    MLflow makes the parent folders of a URL that begins with `sqlite:///`, and does not decode it first. It leaves
    one with a driver alone.
    """
    escaped = str(path).replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{path}" if escaped == str(path) else f"sqlite+pysqlite:///{escaped}"


def sqlite_file(uri: Url) -> Path | None:
    """Return the file of a SQLite store; None for any other store, or one in memory."""
    from sqlalchemy.engine import make_url

    database = make_url(uri.reveal()).database if uri.scheme == "sqlite" else None
    return Path(database) if database and Path(database).name else None


def is_writable(uri: Url) -> bool:
    """Whether a store can be written as far as files tell: SQLite writes beside its file, too."""
    file = sqlite_file(uri)
    return file is None or not file.exists() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """Let one process at a time create the store, or register a version in it.

    Raises:
        UserError: when the checkout or the local store is read-only.
    """
    folder = main_checkout() / layout.STATE
    uri = tracking_uri()
    if not is_writable(uri):
        raise UserError(f"{sqlite_file(uri)}: cannot be written, and this command changes it")
    lock = FileLock(folder / "store.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def connect(*, create: bool = True) -> "MlflowClient":
    """Point MLflow at the store, creating its tables if they are not there yet.

    Args:
        create: the tables. Without it nothing is written and no lock is taken, so the checkout may be read-only.

    Raises:
        UserError: when a server does not answer, the store cannot be opened, or there is none to read.
    """
    check_place()
    uri = tracking_uri()
    registry = address.named(address.REGISTRY) or uri
    for url, variable in ((uri, address.TRACKING), (registry, address.REGISTRY)):
        _check_reachable(url, variable)
        address.check_database(url)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # the default waits for minutes
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    environment.ignore()
    environment.check()
    import logging

    import mlflow
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # They log, with tracebacks, what they raise as well, or what the next write raises, such as a full disk
    for module in ("mlflow.store.db.utils", "mlflow.system_metrics.system_metrics_monitor"):
        logging.getLogger(module).setLevel(logging.CRITICAL)
    address.use(uri, registry)
    if not create and not _exists(uri):
        raise UserError(f"{uri}: no store yet; `{command_to_register()}` makes it")
    try:
        with exclusive() if create else contextlib.nullcontext():
            _make_local(uri)
            client = mlflow.MlflowClient()
            client.search_experiments(max_results=1)
    except (mlflow.MlflowException, SQLAlchemyError, ValueError) as error:
        raise UserError(f"{uri}: the MLflow store cannot be used: {redact(first_line(error))}") from error
    if registry != uri:
        _check_registry(client, registry)
    return client


def _check_registry(client: "MlflowClient", uri: Url) -> None:
    import mlflow
    from sqlalchemy.exc import SQLAlchemyError

    try:
        client.search_registered_models(max_results=1)
    except (mlflow.MlflowException, SQLAlchemyError, ValueError) as error:
        raise UserError(f"{uri}: MLFLOW_REGISTRY_URI cannot be used: {redact(first_line(error))}") from error


def experiment(client: "MlflowClient", name: str) -> str:
    """Return the id of the experiment, made if need be.

    The local store's artifacts go beside it in the main checkout, wherever the stage runs.
    """
    with exclusive():
        found = client.get_experiment_by_name(name)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)
        local = tracking_uri().scheme == "sqlite"
        place = (main_checkout() / "mlruns" / name).as_uri() if local else None
        # MLflow's UI shows an experiment that does not say its kind as one of prompts and traces
        kind = {"mlflow.experimentKind": "custom_model_development"}
        return str(client.create_experiment(name, artifact_location=place, tags=kind))


def has_run(client: "MlflowClient", run_id: str, *, deleted: bool = True) -> bool:
    """Whether the store still has a run.

    Args:
        client: of the store.
        run_id: of the run.
        deleted: also one that was deleted and can be restored: it can be read, but not be written to.
    """
    import mlflow

    try:
        run = client.get_run(run_id)
    except mlflow.MlflowException:
        return False
    return deleted or run.info.lifecycle_stage == "active"


def how_to_register(client: "MlflowClient", name: str) -> str:
    """Return a clause on how a registered model without versions gets one.

    Args:
        client: of the store.
        name: of the registered model.
    """
    own = load().registry.name if layout.PARAMS.exists() else name
    if name != own:
        return f"registry.name of {layout.PARAMS} is {own}"
    last = read_json(layout.REGISTERED_REPORT)["name"] if layout.REGISTERED_REPORT.exists() else name
    command = command_to_register(client) if last == own else "dvc repro"  # which sees that the name changed
    return f"`{command}` registers one"


def _exists(uri: Url) -> bool:
    """Whether a database has MLflow's tables; True for a server, which makes its own."""
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.pool import NullPool

    if uri.scheme not in address.DATABASES:
        return True
    file = sqlite_file(uri)
    if file is not None and not file.exists():  # connecting would make it
        return False
    return bool(inspect(create_engine(uri.reveal(), poolclass=NullPool)).has_table("experiments"))


def command_to_register(client: "MlflowClient | None" = None) -> str:
    """Return the shortest command after which the store has a version of the model in this checkout.

    Args:
        client: of the store; None if there is no store.
    """
    if not (layout.REGISTERED_REPORT.exists() and layout.RUN.exists()):
        return "dvc repro"
    # DVC knows nothing of the store, so its stages are up to date
    if client is not None and has_run(client, read_json(layout.RUN)["run_id"], deleted=False):
        return "dvc repro --force --single-item register"
    return TRAIN_AGAIN


def _make_local(uri: Url) -> None:
    """Make the tables of a SQLite store that is not there yet.

    MLflow makes them one migration after another, and can't go on where a kill left half of them.
    """
    place = sqlite_file(uri)
    if place is None or place.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with replacing(place) as temporary:
        made = SqlAlchemyStore(sqlite_url(temporary), (place.parent / "mlruns").as_uri())  # type: ignore[no-untyped-call]
        made.engine.dispose()


def _check_reachable(uri: Url, variable: str) -> None:
    if uri.scheme not in address.SERVERS:
        return
    port = uri.port or (443 if uri.scheme == "https" else 80)
    try:
        socket.create_connection((uri.host, port), timeout=address.CONNECT_SECONDS).close()
    except (OSError, UnicodeError) as error:  # a label of a host that is too long for DNS is a UnicodeError
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{uri}: the MLflow server cannot be reached ({reason}); start it, or fix or unset {variable}"
        ) from error
