"""The profiles of a running service, by version and day, in one SQLite file that several processes write."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from carousel.drift.profile import Profile
from carousel.errors import UserError

FILE = "profiles.db"  # in a service's state folder
TIMEOUT = 30.0  # seconds that a process waits for another one's write
_TABLE = """
create table if not exists profiles (
    version text not null, day text not null, profile text not null, primary key (version, day)
)
"""


class ProfileStore:
    """Sums of profiles by version and day.

    Each call opens the file again, so that a store may be made before processes are forked, and used by any thread.
    A call may wait for the disk and for other processes: an event loop calls it in a thread.

    Args:
        folder: the service's state folder; it is made when the first profile is added.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def add(self, version: str, day: date, profile: Profile) -> None:
        """Add counts to those that the store has; all of them or, if this process is killed, none.

        Args:
            version: that predicted, as `NAME/NUMBER`.
            day: when, in UTC.
            profile: what was counted since the last call.

        Raises:
            UserError: when the file cannot be written, or is no such store.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connected() as connection:
            connection.execute(_TABLE)
            connection.execute("begin immediate")  # so that no other process adds between reading and writing
            key = (version, day.isoformat())
            found = connection.execute("select profile from profiles where version = ? and day = ?", key).fetchone()
            total = profile if found is None else self._profile(found[0]) + profile
            connection.execute("insert or replace into profiles values (?, ?, ?)", (*key, total.to_json()))
            connection.execute("commit")

    def days(self, version: str) -> dict[date, Profile]:
        """Return a version's profile of each day that has one, oldest first.

        Args:
            version: as `NAME/NUMBER`.

        Raises:
            UserError: when the folder has no such store.
        """
        query = "select day, profile from profiles where version = ? order by day"
        with self._reading() as connection:
            rows = connection.execute(query, (version,)).fetchall()
        return {date.fromisoformat(day): self._profile(content) for day, content in rows}

    def versions(self) -> list[str]:
        """Return the versions that have a profile, in alphabetical order.

        Raises:
            UserError: when the folder has no such store.
        """
        with self._reading() as connection:
            rows = connection.execute("select distinct version from profiles order by version").fetchall()
        return [version for (version,) in rows]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            raise UserError(f"{self.path}: no such file: no service has counted predictions in this folder")
        with self._connected() as connection:
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=TIMEOUT, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise UserError(f"{self.path}: cannot be used as a store of profiles: {error}") from error

    def _profile(self, content: str) -> Profile:
        try:
            return Profile.from_json(content)
        except ValueError as error:
            raise UserError(f"{self.path}: holds a profile that {error}") from error
