import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from carousel.tasks.classification.document import SCHEMA, digest

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
pairs = st.lists(st.tuples(texts, texts), max_size=4)


def frame(rows, prefix="d", split=None):
    return pl.DataFrame(
        [(f"{prefix}{i}", text, label, split) for i, (text, label) in enumerate(rows)], schema=SCHEMA, orient="row"
    )


@given(one=pairs, other=pairs)
def test_the_digest_is_of_texts_and_labels_in_their_order(one, other):
    assert (digest(frame(one)) == digest(frame(other))) == (one == other)


@given(rows=pairs)
def test_the_digest_knows_neither_ids_nor_splits_nor_further_columns(rows):
    expected = digest(frame(rows))
    assert digest(frame(rows, prefix="other/", split="train")) == expected
    assert digest(frame(rows).select("label", "text")) == expected


def test_the_digest_tells_where_a_text_ends():
    assert digest(frame([("a", "bc")])) != digest(frame([("ab", "c")]))
    assert digest(frame([("a", "b"), ("c", "d")])) != digest(frame([("c", "d"), ("a", "b")]))
