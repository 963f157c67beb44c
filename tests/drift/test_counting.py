from carousel.drift import counting
from carousel.drift.profile import Profile
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
