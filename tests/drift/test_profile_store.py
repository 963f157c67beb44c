import multiprocessing
import os
import signal
import time
from datetime import date

import pytest

from carousel.drift.profile import Profile
from carousel.drift.store import ProfileStore
from carousel.errors import UserError
from tests.support.profiles import profile_of

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
ONE, OTHER = profile_of([(3, 1, ("a",), 0.9)]), profile_of([(30, 0, ("b", "b"), 0.4)])


def add(folder, times):
    store = ProfileStore(folder)
    for _ in range(times):
        store.add("topics/3", MONDAY, ONE)


def test_counts_are_added_by_version_and_day(tmp_path):
    store = ProfileStore(tmp_path / "state")
    store.add("topics/3", TUESDAY, ONE)
    store.add("topics/3", MONDAY, ONE)
    store.add("topics/3", MONDAY, OTHER)
    store.add("topics/4", MONDAY, OTHER)
    assert store.versions() == ["topics/3", "topics/4"]
    assert list(store.days("topics/3").items()) == [(MONDAY, ONE + OTHER), (TUESDAY, ONE)]
    assert store.days("topics/4") == {MONDAY: OTHER}
    assert store.days("topics/5") == {}


def test_several_processes_lose_no_count(tmp_path):
    processes = [multiprocessing.get_context("fork").Process(target=add, args=(tmp_path, 10)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert ProfileStore(tmp_path).days("topics/3")[MONDAY] == profile_of([(3, 1, ("a",), 0.9)] * 40)


@pytest.mark.slow
def test_a_killed_process_adds_a_profile_wholly_or_not_at_all(tmp_path):
    for attempt in range(20):
        process = multiprocessing.get_context("fork").Process(target=add, args=(tmp_path, 10_000))
        process.start()
        time.sleep(0.02 + 0.005 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    found = ProfileStore(tmp_path).days("topics/3")[MONDAY]
    assert found == profile_of([(3, 1, ("a",), 0.9)] * found.examples)
    assert found.examples > 0


def test_a_folder_without_a_store_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="no service has counted predictions in this folder"):
        ProfileStore(tmp_path).days("topics/3")
    assert not list(tmp_path.iterdir())


def test_another_file_is_a_user_error(tmp_path):
    store = ProfileStore(tmp_path)
    store.path.write_text("not a database, but long enough to be one " * 100)
    with pytest.raises(UserError, match="file is not a database"):
        store.add("topics/3", MONDAY, Profile())
