import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from carousel.tasks.classification.term_counts import characters, words

TEXTS = st.lists(st.text(alphabet="abAB  \n.é", max_size=12), min_size=1, max_size=6)


def columns(counts):
    """Return the columns in an order that does not depend on their numbers."""
    return sorted(map(tuple, counts.toarray().T.astype(int)))


def reference(texts, **options):
    try:
        return columns(CountVectorizer(**options).fit_transform(texts))
    except ValueError:  # "empty vocabulary", where there is nothing to count
        return []


@given(TEXTS, st.integers(1, 3))
def test_words_are_counted_as_scikit_learn_counts_them(texts, longest):
    expected = reference(texts, ngram_range=(1, longest), token_pattern=r"\w+")
    assert columns(words(pl.Series(texts, dtype=pl.String), longest)) == expected


@given(TEXTS, st.integers(1, 3), st.integers(0, 3))
def test_characters_are_counted_as_scikit_learn_counts_them(texts, shortest, more):
    expected = reference(texts, analyzer="char_wb", ngram_range=(shortest, shortest + more))
    assert columns(characters(pl.Series(texts, dtype=pl.String), shortest, shortest + more)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Die Übung", ["die", "übung"]),
        ("a 1 I'd", ["a", "1", "i", "d"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # vowel signs and viramas are part of a word
        ("한국어 문장", ["한국어", "문장"]),  # Korean has spaces
        ("我爱Python3。", ["我", "爱", "python3"]),
        ("東京へ行くカメラ", list("東京へ行くカメラ")),
        ("ไทยok", ["ไ", "ท", "ย", "ok"]),
        ("😀 !?", []),
    ],
)
def test_a_word_is_a_run_of_word_characters_or_one_character_of_a_script_without_spaces(text, expected):
    counts = words(pl.Series([text, *expected]), 1)
    assert counts.shape == (1 + len(expected), len(set(expected)))
    assert counts[0].sum() == len(expected)
    if expected:
        assert (counts[1:].sum(axis=1) == 1).all()


def test_sequences_do_not_reach_into_the_next_text():
    assert words(pl.Series(["a b", "c"]), 2).shape == (2, 4)  # a, b, c, and `a b`
    assert characters(pl.Series(["a", "b"]), 2, 2).shape == (2, 4)


@pytest.mark.parametrize("texts", [[], [""], [" ", "\n"]])
def test_nothing_to_count_gives_no_columns(texts):
    series = pl.Series(texts, dtype=pl.String)
    for counts in (words(series, 2), characters(series, 2, 5)):
        assert counts.shape == (len(texts), 0)


def test_many_distinct_ids_do_not_overflow():
    rng = np.random.default_rng(0)
    texts = pl.Series(["".join(map(chr, rng.integers(0x10000, 0x1F000, 40))) for _ in range(50)])
    assert characters(texts, 8, 8).sum() == 50 * 35  # 42 characters with the spaces at both ends
