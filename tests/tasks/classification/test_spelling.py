import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carousel.tasks.classification.spelling import pieces


def test_a_piece_is_a_run_of_characters_that_two_words_have():
    found = pieces(("tea", "teas", "sun"))
    shared = {" t", "te", "ea", " te", "tea", " tea"}  # not "a ", which one has
    assert found.shape == (3, len(shared))
    assert (found.toarray()[0] > 0).sum() == len(shared)
    np.testing.assert_allclose(found.toarray()[0], found.toarray()[1])  # alike, up to what one alone has
    assert not found.toarray()[2].any()


@given(words=st.lists(st.text(max_size=6), max_size=8))
def test_a_words_squares_sum_to_one_or_it_has_no_pieces(words):
    found = pieces(tuple(words))
    assert found.shape[0] == len(words)
    sums = np.asarray(found.multiply(found).sum(1)).ravel()
    assert np.all(np.isclose(sums, 1) | (sums == 0))


def test_words_without_characters_have_none():
    assert pieces(()).shape == (0, 0)
    assert pieces(("", " ")).shape == (2, 0)
    assert not pieces(("", "tea", "teas")).toarray()[0].any()
