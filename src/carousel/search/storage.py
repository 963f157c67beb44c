"""Where studies are kept: a journal file that needs no server, or a database that several machines reach."""

import os
import warnings
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from carousel.errors import UserError, first_line
from carousel.params import STORAGE, Sweep
from carousel.url import Url, redact

JOURNAL = "studies.journal"
DATABASES = ("postgresql", "mysql", "mariadb", "sqlite", "oracle", "mssql")
HEARTBEAT = 10  # seconds between two signs of life of a trial in a database
GRACE = 60  # seconds without one after which the trial is another worker's
RETRIES = 2  # of a trial whose worker is gone


class Lock(BaseJournalFileLock):
    """A journal's lock that the operating system takes from a process that was killed.

    Optuna's own stays, and everybody waits for half a minute.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        """Wait for it."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Let the next one have it."""
        self._lock.release()


def place(sweep: Sweep, journal: Path) -> Path | Url:
    """Return where studies are kept: `CAROUSEL_SWEEP_STORAGE`, else `sweep.storage`, else a journal.

    Args:
        sweep: the `sweep` section of params.yaml.
        journal: the path of the journal.

    Raises:
        UserError: when the URL is malformed, or one in params.yaml holds a password.
    """
    sweep.check_storage()
    named = os.environ.get(STORAGE)
    if named is not None:
        return check(Url(named), STORAGE)
    return journal if sweep.storage is None else check(sweep.storage, "params.yaml: sweep.storage")


def check(url: Url, where: str) -> Url:
    """Return a database's URL.

    Args:
        url: of the database.
        where: it was given: an option, a variable or a key.

    Raises:
        UserError: when it is malformed.
    """
    if not str(url).strip():
        raise UserError(f"{where}: is empty; a database's URL looks like postgresql://user@host/database")
    fault = url.fault()
    if fault is None and url.scheme == "sqlite" and (url.host or len(url.path) < 2):
        fault = "names no file: sqlite:////ABSOLUTE/PATH"
    if fault is None and url.scheme not in DATABASES:
        fault = f"is not the URL of a database that Optuna can use: {', '.join(DATABASES)}"
    if fault:
        raise UserError(f"{where}: {url} {fault}; a database's URL looks like postgresql://user@host/database")
    return url


def open_storage(place: Path | Url) -> BaseStorage:
    """Open a journal file, made if need be, or a database.

    Args:
        place: a journal's path, or a database's URL.

    Raises:
        UserError: when the database cannot be reached, or its driver is not installed.
    """
    _quieten()
    return journal(place) if isinstance(place, Path) else database(place)


def journal(path: Path) -> JournalStorage:
    """Open a journal file, made if need be; a line that a power cut left unfinished is taken off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.flock")
    with FileLock(lock):
        _repair(path)
    return JournalStorage(JournalFileBackend(str(path), Lock(lock)))


def _repair(path: Path) -> None:
    """Cut a file off after its last whole line: Optuna would write on in the middle of one, and never read it."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content_end = file.seek(0, os.SEEK_END)
        place = content_end
        while place > 0:
            begin = max(0, place - 65_536)
            file.seek(begin)
            newline = file.read(place - begin).rfind(b"\n")
            if newline >= 0:
                place = begin + newline + 1
                break
            place = begin
        if place < content_end:
            file.truncate(place)


def database(url: Url) -> RDBStorage:
    """Open a database by its SQLAlchemy URL, with its tables made if need be."""
    check(url, "the sweep's storage")
    try:
        return RDBStorage(
            url.reveal().replace("{", "{{").replace("}", "}}"),  # Optuna takes braces for a template's
            engine_kwargs={"poolclass": NullPool},  # a sweep speaks seldom, and leaves nothing open behind it
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
        )
    except (ImportError, NoSuchModuleError) as error:
        raise UserError(
            f"{url}: its driver is not installed; for PostgreSQL: pip install 'carousel[postgresql]'"
        ) from error
    except (ArgumentError, SQLAlchemyError) as error:
        reason = redact(first_line(error))
        raise UserError(f"{url}: the database cannot be used: {reason}") from error


def kind(storage: BaseStorage) -> str:
    """Return `journal`, or what kind of database it is, such as `postgresql`."""
    return str(storage.engine.dialect.name) if isinstance(storage, RDBStorage) else "journal"


def _quieten() -> None:
    """Silence what Optuna says to everyone: its trials, which we tell, and which of its parts are new."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=ExperimentalWarning)
    warnings.filterwarnings("ignore", message="The distribution is specified by", category=UserWarning)
