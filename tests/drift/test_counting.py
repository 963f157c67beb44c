from datetime import UTC, datetime

import pytest

from carousel.drift import counting
from carousel.drift.profile import Profile
from carousel.drift.store import ProfileStore
from carousel.errors import UserError
from tests.support.classifiers import make
from tests.support.profiles import profile_of

TEXTS = ["the cat sat", "dogs bark", "", "the the the the the the the the the the the the the dog", "a\u2028b"]


def test_tokens_are_counted_before_a_text_is_cut_and_unknown_ones_by_the_vocabulary():
    model = make(max_length=3)
    assert [model.count_tokens(text) for text in TEXTS] == [(3, 0), (2, 2), (0, 0), (14, 1), (2, 2)]


def test_a_profile_counts_what_is_predicted(monkeypatch):
    model = make()
    expected = profile_of(
        (*model.count_tokens(text), (one.label,), one.probability)
        for text, one in zip(TEXTS, model.predict(TEXTS), strict=True)
    )
    counted = Profile()
    counting.count(counted, model, TEXTS, model.predict(TEXTS))
    assert counted == expected
    monkeypatch.setattr(counting, "CHUNK", 2)
    assert counting.profile_of(model, TEXTS) == expected


def test_counts_of_a_service_reach_the_store_when_they_are_flushed(tmp_path):
    model, store = make(), ProfileStore(tmp_path)
    counts = [counting.DailyCounts(store, "topics") for _ in range(2)]  # of two processes
    for one in counts:
        one.add(3, model, TEXTS, model.predict(TEXTS))
        one.add(3, model, TEXTS[:1], model.predict(TEXTS[:1]))
        one.add(4, model, TEXTS[:1], model.predict(TEXTS[:1]))
        one.flush()
        one.flush()
    single, every = (counting.profile_of(model, texts) for texts in (TEXTS[:1], TEXTS))
    assert list(store.days("topics/3").values()) == [every + single + every + single]
    assert list(store.days("topics/4").values()) == [single + single]


def test_counts_that_cannot_be_written_wait_for_the_next_flush(tmp_path):
    model, store = make(), ProfileStore(tmp_path)
    counts = counting.DailyCounts(store, "topics")
    for version in (3, 4):
        counts.add(version, model, TEXTS, model.predict(TEXTS))
    store.path.mkdir()
    with pytest.raises(UserError, match="cannot be used as a store of profiles"):
        counts.flush()
    store.path.rmdir()
    counts.flush()
    today = datetime.now(UTC).date()
    for version in (3, 4):
        assert store.days(f"topics/{version}") == {today: counting.profile_of(model, TEXTS)}
