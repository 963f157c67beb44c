import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.errors import UserError
from carousel.params import Split
from carousel.tasks.tagging.preparation import key, prepare

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


def tagged(tags, split=None):
    return pl.DataFrame(
        {
            "id": [str(i) for i in range(len(tags))],
            "tokens": [[f"w{i}", "x"] for i in range(len(tags))],
            "tags": [[tag, "O"] for tag in tags],
            "intent": pl.Series([None] * len(tags), dtype=pl.String),
            "split": pl.Series(split or [None] * len(tags), dtype=pl.String),
        }
    )


def test_sentences_are_divided_and_none_is_in_two_splits():
    prepared = prepare(tagged(["A", "B"] * 20), Split())
    ids = [set(frame["id"]) for frame in prepared.splits.values()]
    assert sum(map(len, ids)) == len(set.union(*ids)) == 40
    assert all(ids)
    assert prepared.remarks() == []
    assert prepared.report()["tags"]["train"]["O"] == prepared.splits["train"].height


def test_a_tag_that_train_lacks_is_named():
    tags = ["A"] * 8 + ["B", "C"]
    prepared = prepare(tagged(tags, ["train"] * 8 + ["val", "test"]), Split())
    assert prepared.missing == {"B": 1, "C": 1}
    assert prepared.remarks()[0].startswith("tags that train lacks, so that they are never predicted: ")


def test_one_tag_alone_teaches_nothing():
    with pytest.raises(UserError, match=r"the train split has one tag only \('O'\); a tagger needs at least two"):
        prepare(tagged(["O"] * 9 + ["A"], ["train"] * 8 + ["val", "test"]), Split())
