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
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from carousel.errors import UserError

JOURNAL = "studies.journal"
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


def open_storage(place: Path | str) -> BaseStorage:
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
        _mend(path)
    return JournalStorage(JournalFileBackend(str(path), Lock(lock)))


def _mend(path: Path) -> None:
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


def database(url: str) -> RDBStorage:
    """Open a database by its SQLAlchemy URL, with its tables made if need be."""
    try:
        shown = make_url(url).render_as_string(hide_password=True)
    except ArgumentError as error:
        raise UserError(
            f"{url}: not the URL of a database; one looks like postgresql://user@host/database"
        ) from error
    try:
        return RDBStorage(
            url,
            engine_kwargs={"poolclass": NullPool},  # a sweep speaks seldom, and leaves nothing open behind it
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
        )
    except (ImportError, NoSuchModuleError) as error:
        raise UserError(
            f"{shown}: its driver is not installed; for PostgreSQL: pip install 'carousel[postgresql]'"
        ) from error
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise UserError(f"{shown}: the database cannot be used: {reason}") from error


def _quieten() -> None:
    """Silence what Optuna says to everyone: its trials, which we tell, and which of its parts are new."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=ExperimentalWarning)
    warnings.filterwarnings("ignore", message="The distribution is specified by", category=UserWarning)
