import random

import pytest

from carousel.drift.comparison import compare
from carousel.drift.profile import Profile
from tests.support.profiles import profile_of

LABELS = tuple("abcdefgh")


def sample(count, seed=0, *, labels=LABELS, unknown=0.02, longer=1, confident=8):
    """A profile of random examples."""
    drawn = random.Random(seed)
    examples = []
    for _ in range(count):
        tokens = longer * drawn.randint(1, 40)
        bad = sum(drawn.random() < unknown for _ in range(tokens))
        examples.append((tokens, bad, (drawn.choice(labels),), drawn.betavariate(confident, 1)))
    return profile_of(examples)


REFERENCE = sample(2000)


def verdicts(current, limit=0.2):
    return [shift.verdict for shift in compare(REFERENCE, current, limit).shifts]


def test_equal_distributions_do_not_drift():
    for seed in range(1, 30):
        assert verdicts(sample(1000, seed)) == ["stable"] * 4
    same = compare(REFERENCE, REFERENCE)
    assert [shift.psi for shift in same.shifts] == [0] * 4
    assert same.sentence == "No drift."


@pytest.mark.parametrize(
    ("change", "drifted"),
    [
        ({"unknown": 0.3}, "out-of-vocabulary rate"),
        ({"longer": 3}, "length in tokens"),
        ({"labels": ("a", "b", *LABELS[:3] * 2)}, "predicted classes"),
        ({"labels": ("new", *LABELS)}, "predicted classes"),
        ({"confident": 2}, "confidence"),
    ],
)
def test_a_planted_shift_is_found_and_named(change, drifted):
    found = compare(REFERENCE, sample(1000, 1, **change))
    assert [shift.title for shift in found.shifts if shift.verdict == "drifted"] == [drifted]
    assert found.sentence == f"Drifted: {drifted}."
    assert found.verdict == "drifted"
    assert all(shift.p < 0.01 for shift in found.shifts if shift.verdict == "drifted")


def test_a_higher_limit_allows_more():
    current = sample(1000, 1, unknown=0.3)
    assert compare(REFERENCE, current, 5.0).verdict == "stable"


@pytest.mark.parametrize("count", [0, 1, 49])
def test_with_few_predictions_nothing_is_said(count):
    found = compare(REFERENCE, sample(count, unknown=0.5, labels="a"))
    assert [shift.verdict for shift in found.shifts] == ["too few"] * 4
    assert found.sentence == f"Too few predictions ({count}) to tell a drift from chance."


def test_the_sentence_names_what_has_too_few_predictions():
    many = tuple(f"label {i}" for i in range(60))
    reference, current = sample(4000, labels=many), sample(300, 1, labels=many)
    found = compare(reference, current)
    assert [shift.verdict for shift in found.shifts] == ["stable", "stable", "too few", "stable"]
    assert found.sentence == "Too few predictions (300) to tell a drift of predicted classes from chance."


def test_rare_bins_are_joined_under_a_name_that_says_so():
    found = compare(REFERENCE, sample(400, 1))
    _, lengths, _, confidence = found.shifts
    assert lengths.bins[-1] == "33+"
    assert confidence.bins[0].startswith("0-")
    assert sum(lengths.reference) == pytest.approx(1)
    rare = [(5, 0, ("common",), 0.9)] * 500 + [(5, 0, (f"rare {i}",), 0.9) for i in range(9)]
    classes = compare(profile_of(rare), profile_of(rare)).shifts[2]
    assert classes.bins == ("common", "rare 0 and 8 more")


def test_the_words_name_the_classes_that_changed_most():
    shift = compare(
        profile_of([(5, 0, ("a",), 0.9)] * 50 + [(5, 0, ("b",), 0.9)] * 50),
        profile_of([(5, 0, ("a",), 0.9)] * 80 + [(5, 0, ("b",), 0.9)] * 20),
    ).shifts[2]
    assert shift.words == "a +30.0, b −30.0 points"
    assert compare(REFERENCE, REFERENCE).shifts[2].words == "unchanged"


def test_empty_profiles_are_compared():
    assert compare(Profile(), Profile()).verdict == "too few"
