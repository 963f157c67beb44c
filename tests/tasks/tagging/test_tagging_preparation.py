import unicodedata

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from carousel.tasks.tagging.preparation import key

sentences = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), min_size=1, max_size=4)


def keys(*sentences):
    return (
        pl.DataFrame({"tokens": sentences}, schema={"tokens": pl.List(pl.String)})
        .select(key())
        .to_series()
        .to_list()
    )


@given(tokens=sentences)
def test_unicode_form_and_invisible_characters_do_not_count(tokens):
    decomposed = [unicodedata.normalize("NFD", token) for token in tokens]
    marked = [f"\u200b{token}\ufe0f" for token in tokens]
    assert len({*keys(tokens, decomposed)}) == 1
    assert len({*keys(tokens, marked)}) == 1


def test_case_and_the_places_of_token_boundaries_count():
    assert len({*keys(["us"], ["US"], ["u", "s"], ["u s"])}) == 4
    assert keys(["a", "b"], ["a", "b"])[0] == keys(["a", "b"])[0]
