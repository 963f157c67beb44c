import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from carousel.tasks.tagging.document import SCHEMA, digest

words = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=3)
rows = st.lists(st.tuples(words, words, st.none() | st.text(max_size=2)), max_size=3)


def frame(rows, prefix="d", split=None):
    return pl.DataFrame([(f"{prefix}{i}", *row, split) for i, row in enumerate(rows)], schema=SCHEMA, orient="row")


@given(one=rows, other=rows)
def test_the_digest_is_of_tokens_tags_and_intents_in_their_order(one, other):
    assert (digest(frame(one)) == digest(frame(other))) == (one == other)


@given(rows=rows)
def test_the_digest_knows_neither_ids_nor_splits_nor_the_order_of_columns(rows):
    expected = digest(frame(rows))
    assert digest(frame(rows, prefix="other/", split="train")) == expected
    assert digest(frame(rows).select("intent", "tags", "tokens")) == expected


def test_the_digest_tells_where_a_token_ends():
    assert digest(frame([(["a", "b"], ["O"], None)])) != digest(frame([(["ab"], ["O"], None)]))
    assert digest(frame([(["a"], ["b"], None)])) != digest(frame([(["a"], [], "b")]))
