import threading
from dataclasses import replace
from pathlib import Path

import pytest

from carousel.serving.session_store import OVERHEAD, ConcurrentCallError, SessionLimitError, SessionStore


def store(folder: Path, *, seconds: float = 100.0, most: int = 100, most_bytes: int = 1 << 20) -> SessionStore:
    return SessionStore(folder / "sessions.db", seconds, most, most_bytes)


def begin(sessions: SessionStore, state: bytes = b"state"):
    return sessions.begin(3, "digest", replay=True, state=state)


def test_another_process_reads_what_one_has_written(tmp_path: Path) -> None:
    one, other = store(tmp_path), store(tmp_path)
    session = begin(one)
    assert other.get(session.id) == session
    after = replace(session, calls=1, state=b"\x00\xff", texts="ein Text 日本")
    other.put(session, after)
    assert one.get(session.id) == after
    assert one.totals() == other.totals() == (1, after.bytes)
    assert other.delete(session.id)
    assert not one.delete(session.id)
    assert one.totals() == (0, 0)
    one.close()
    other.close()


def test_of_two_calls_at_a_time_one_is_refused(tmp_path: Path) -> None:
    sessions = store(tmp_path)
    session = begin(sessions)
    sessions.put(session, replace(session, calls=1))
    with pytest.raises(ConcurrentCallError):
        sessions.put(session, replace(session, calls=1, state=b"other"))
    sessions.close()


def test_a_session_expires_after_its_last_call(tmp_path: Path) -> None:
    sessions = store(tmp_path, seconds=0.0)
    session = begin(sessions)
    assert sessions.get(session.id) is None
    assert sessions.totals()[0] == 1
    sessions.expire()
    assert sessions.totals() == (0, 0)
    sessions.close()


def test_limits_hold_over_all_processes(tmp_path: Path) -> None:
    one, other = store(tmp_path, most=2), store(tmp_path, most=2)
    begin(one)
    begin(other)
    for sessions in (one, other):
        with pytest.raises(SessionLimitError):
            begin(sessions)
    one.close()
    other.close()


def test_bytes_are_limited_when_a_session_begins_and_when_it_grows(tmp_path: Path) -> None:
    sessions = store(tmp_path, most_bytes=2 * OVERHEAD + 100)
    first, second = begin(sessions, b"x" * 40), begin(sessions, b"x" * 40)
    with pytest.raises(SessionLimitError):
        begin(sessions, b"")
    with pytest.raises(SessionLimitError):
        sessions.put(first, replace(first, calls=1, state=b"x" * 61))
    sessions.put(first, replace(first, calls=1, state=b"x" * 60))
    assert sessions.totals() == (2, 2 * OVERHEAD + 100)
    assert sessions.get(second.id) == second
    sessions.close()


def test_expired_sessions_make_room(tmp_path: Path) -> None:
    sessions = store(tmp_path, seconds=0.0, most=1)
    assert begin(sessions).id != begin(sessions).id
    sessions.close()


def test_threads_and_connections_lose_no_call(tmp_path: Path) -> None:
    stores = [store(tmp_path) for _ in range(2)]
    session, done = begin(stores[0]), list[int]()

    def append(number: int) -> None:
        for _ in range(20):
            while True:
                before = stores[number].get(session.id)
                try:
                    stores[number].put(before, replace(before, calls=before.calls + 1))
                except ConcurrentCallError:
                    continue
                done.append(number)
                break

    threads = [threading.Thread(target=append, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].get(session.id).calls == len(done) == 40
    for one in stores:
        one.close()


def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    sessions = store(tmp_path)
    assert (tmp_path / "sessions.db").stat().st_mode & 0o077 == 0
    sessions.close()
