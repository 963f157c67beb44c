"""Sessions of all worker processes, in one SQLite file."""

import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
create table if not exists sessions (
    id text primary key, version integer not null, digest text not null, replay integer not null,
    calls integer not null, expires real not null, state blob not null, texts text not null, bytes integer not null
);
create index if not exists by_expiry on sessions (expires);
create table if not exists totals (sessions integer not null, bytes integer not null);
insert into totals select 0, 0 where not exists (select 1 from totals);
create trigger if not exists added after insert on sessions begin
    update totals set sessions = sessions + 1, bytes = bytes + new.bytes;
end;
create trigger if not exists removed after delete on sessions begin
    update totals set sessions = sessions - 1, bytes = bytes - old.bytes;
end;
create trigger if not exists changed after update of bytes on sessions begin
    update totals set bytes = bytes + new.bytes - old.bytes;
end;
"""
OVERHEAD = 200  # bytes of a session besides its state and texts
TIMEOUT = 5.0  # seconds that a process waits for another one's write


class SessionLimitError(Exception):
    """There are as many sessions, or as many bytes of them, as may be."""


class ConcurrentCallError(Exception):
    """Another call changed or deleted the session in the meantime."""


@dataclass(frozen=True)
class Session:
    """A session between two calls.

    Attributes:
        id: by which a client calls it; it cannot be guessed.
        version: number of the version that its state is of.
        digest: of that version's exported model.
        replay: whether its texts are kept, to be read again by another version.
        calls: appends so far.
        state: of the model, as it wrote it.
        texts: that were read, joined by line feeds; empty unless `replay`.
    """

    id: str
    version: int
    digest: str
    replay: bool
    calls: int
    state: bytes
    texts: str

    @property
    def bytes(self) -> int:
        """What it counts for in the limit."""
        return len(self.state) + len(self.texts.encode("utf-8", "surrogatepass")) + OVERHEAD


class SessionStore:
    """Keeps sessions for some time after their last call.

    Its methods may wait for the disk and for other processes: an event loop calls them in a thread.

    Args:
        file: of SQLite.
        seconds: that a session lives without a call.
        most: sessions at a time.
        most_bytes: of all sessions.
    """

    def __init__(self, file: Path, seconds: float, most: int, most_bytes: int) -> None:
        self._seconds, self._most, self._most_bytes = seconds, most, most_bytes
        self._lock = threading.Lock()
        file.touch(mode=0o600)
        self._connection = sqlite3.connect(file, timeout=TIMEOUT, isolation_level=None, check_same_thread=False)
        # A power cut may lose the last calls of a session, but never damages the file
        for pragma in ("journal_mode = wal", "synchronous = normal", "secure_delete = on"):
            self._connection.execute(f"pragma {pragma}")
        self._connection.executescript(f"begin immediate; {_SCHEMA} commit;")

    def begin(self, version: int, digest: str, *, replay: bool, state: bytes, identifier: str = "") -> Session:
        """Begin a session.

        Raises:
            SessionLimitError: when there are too many.
        """
        session = Session(identifier or new_id(), version, digest, replay, 0, state, "")
        with self._lock, self._connection:
            self._connection.execute("begin immediate")
            self._expire()
            count, size = self.totals()
            if count >= self._most or size + session.bytes > self._most_bytes:
                raise SessionLimitError
            self._connection.execute(
                "insert into sessions values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    session.id, version, digest, replay, 0, time.time() + self._seconds, state, "", session.bytes,
                ),
            )  # fmt: skip
        return session

    def get(self, identifier: str) -> Session | None:
        """Return a session; None if there is none, or it has expired."""
        query = "select id, version, digest, replay, calls, state, texts from sessions where id = ? and expires > ?"
        with self._lock:
            row = self._connection.execute(query, (identifier, time.time())).fetchone()
        return None if row is None else _session(*row)

    def put(self, before: Session, after: Session) -> None:
        """Replace a session by what it is after a call.

        Raises:
            ConcurrentCallError: when it is not `before` any more.
            SessionLimitError: when there is no room for what it grew by.
        """
        grown = after.bytes - before.bytes
        with self._lock, self._connection:
            self._connection.execute("begin immediate")
            if grown > 0 and self.totals()[1] + grown > self._most_bytes:
                self._expire()
                if self.totals()[1] + grown > self._most_bytes:
                    raise SessionLimitError
            changed = self._connection.execute(
                "update sessions set version = ?, digest = ?, calls = ?, expires = ?, state = ?, texts = ?,"
                " bytes = ? where id = ? and calls = ? and version = ? and digest = ?",
                (
                    after.version, after.digest, after.calls, time.time() + self._seconds, after.state, after.texts,
                    after.bytes, before.id, before.calls, before.version, before.digest,
                ),
            ).rowcount  # fmt: skip
            if not changed:
                raise ConcurrentCallError

    def delete(self, identifier: str) -> bool:
        """Delete a session; False if there is none."""
        with self._lock:
            deleted = self._connection.execute("delete from sessions where id = ?", (identifier,)).rowcount
        return bool(deleted)

    def expire(self) -> None:
        """Delete the sessions that nobody called for too long."""
        with self._lock:
            self._expire()

    def _expire(self) -> None:
        self._connection.execute("delete from sessions where expires <= ?", (time.time(),))

    def totals(self) -> tuple[int, int]:
        """Return the number of sessions and their bytes."""
        count, size = self._connection.execute("select sessions, bytes from totals").fetchone()
        return int(count), int(size)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _session(
    identifier: str, version: int, digest: str, replay: int, calls: int, state: bytes, texts: str
) -> Session:
    return Session(identifier, version, digest, bool(replay), calls, state, texts)


def new_id() -> str:
    """Return an id that cannot be guessed."""
    return secrets.token_urlsafe(16)
