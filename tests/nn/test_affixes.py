import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.nn.affixes import FEATURES, NAMES, hashed, spelling

words = st.text(min_size=1, max_size=12)


def test_a_word_is_spelled_by_its_affixes_and_shape():
    assert dict(zip(NAMES, spelling("McDonald's"), strict=True)) == {
        "lowercase": "mcdonald's",
        "prefix1": "m",
        "prefix2": "mc",
        "prefix3": "mcd",
        "prefix4": "mcdo",
        "suffix1": "s",
        "suffix2": "'s",
        "suffix3": "d's",
        "suffix4": "ld's",
        "shape": "XxXxxxxx'x",
        "short_shape": "XxXx'x",
    }


def test_digits_have_a_shape():
    assert spelling("mid-1990s")[-2:] == ("xxx-ddddx", "x-dx")


@given(words)
def test_every_word_has_every_feature(word):
    features = dict(zip(NAMES, spelling(word), strict=True))
    assert all(features.values())
    assert word.lower().startswith(features["prefix3"])
    assert word.lower().endswith(features["suffix4"])
    assert len(features["shape"]) == len(word)


@given(st.lists(words, max_size=5), st.integers(1, 1000))
def test_hashes_are_rows_of_the_table(some, rows):
    found = hashed(some, rows)
    assert found.shape == (len(some), FEATURES)
    assert ((found >= 0) & (found < rows)).all()


@given(st.lists(words, min_size=1, max_size=5))
def test_a_word_has_the_same_features_in_every_list(some):
    alone = np.concatenate([hashed([word], 997) for word in some])
    np.testing.assert_array_equal(hashed(some, 997), alone)


def test_a_lone_surrogate_has_features():
    assert hashed(["\ud800"], 100).shape == (1, FEATURES)


def test_a_prefix_is_not_a_suffix():
    a = dict(zip(NAMES, hashed(["a"], 2**31)[0].tolist(), strict=True))
    assert len(set(a.values())) == FEATURES


def test_hashes_are_the_same_in_another_process():
    code = "from carousel.nn.affixes import hashed; print(hashed(['Carousel', 'é'], 16384).tolist())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(hashed(["Carousel", "é"], 16384).tolist())


def test_hashes_stay_the_same():
    assert hashed(["Carousel"], 16384).tolist() == [
        [10971, 2107, 15169, 3856, 2711, 15083, 12627, 5562, 7318, 12447, 4646]
    ]


def test_a_table_has_rows():
    with pytest.raises(ValueError, match="at least 1 row, not 0"):
        hashed(["a"], 0)
