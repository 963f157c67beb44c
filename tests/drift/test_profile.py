import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.drift.profile import CONFIDENCES, LENGTHS, Profile, confidence_names, length_names
from tests.support.profiles import examples, profile_of


@given(st.lists(examples), st.lists(examples))
def test_the_sum_of_two_profiles_is_the_profile_of_both(some, others):
    assert profile_of(some) + profile_of(others) == profile_of(some + others) == profile_of(others + some)


@given(st.lists(examples))
def test_a_profile_is_the_same_after_json(given_examples):
    profile = profile_of(given_examples)
    again = Profile.from_json(profile.to_json())
    assert again == profile
    assert again.to_json() == profile.to_json()


@given(st.lists(examples))
def test_each_histogram_counts_each_example(given_examples):
    profile = profile_of(given_examples)
    assert sum(profile.lengths) == sum(profile.confidences) == profile.examples == len(given_examples)
    assert profile.classes.total() == sum(len(classes) for _, _, classes, _ in given_examples)
    assert profile.mean_confidence == pytest.approx(
        sum(one[3] for one in given_examples) / max(len(given_examples), 1), abs=1e-6
    )


@pytest.mark.parametrize(
    ("tokens", "name"),
    [(0, "0"), (1, "1"), (5, "5-6"), (6, "5-6"), (7, "7-8"), (4096, "2049-4096"), (4097, "4097+")],
)
def test_a_length_is_counted_in_its_bin(tokens, name):
    counts = dict(zip(length_names(), profile_of([(tokens, 0, (), 0.5)]).lengths, strict=True))
    assert [bin_ for bin_, count in counts.items() if count] == [name]


@pytest.mark.parametrize(
    ("confidence", "name"),
    [
        (0.0, "0-0.1"),
        (0.1, "0-0.1"),
        (0.95, "0.9-0.95"),
        (0.951, "0.95-0.99"),
        (1.0, "0.99-1"),
        (1 + 1e-9, "0.99-1"),
    ],
)
def test_a_confidence_is_counted_in_its_bin(confidence, name):
    counts = dict(zip(confidence_names(), profile_of([(1, 0, (), confidence)]).confidences, strict=True))
    assert [bin_ for bin_, count in counts.items() if count] == [name]


def test_there_is_a_name_for_each_bin():
    assert len(length_names()) == len(LENGTHS) + 1
    assert len(confidence_names()) == len(CONFIDENCES)


FIELDS = json.loads(Profile().to_json())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "does not say 'carousel profile 1'"),
        (json.dumps(FIELDS | {"format": "carousel profile 2"}), "does not say 'carousel profile 1'"),
        (json.dumps({key: value for key, value in FIELDS.items() if key != "tokens"}), "should have the fields"),
        (json.dumps(FIELDS | {"tokens": -1}), "no counts in tokens"),
        (json.dumps(FIELDS | {"tokens": True}), "no counts in tokens"),
        (json.dumps(FIELDS | {"lengths": [0]}), "no counts in lengths"),
        (json.dumps(FIELDS | {"classes": {"a": 0.5}}), "no counts in classes"),
    ],
)
def test_what_is_no_profile_is_refused(content, reason):
    with pytest.raises(ValueError, match=reason):
        Profile.from_json(content)


def test_a_service_imports_no_heavy_library():
    code = "import sys, carousel.drift.store, carousel.drift.counting; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "mlflow", "polars", "numpy", "scipy", "matplotlib"} & set(done.stdout.split())
