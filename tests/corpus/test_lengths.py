import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carousel.corpus.lengths import NAMES, bucket, counts

lengths = st.lists(st.integers(0, 3000) | st.sampled_from([1, 8, 9, 16, 17, 1024, 1025]), max_size=50)


def array(values):
    return np.array(values, dtype=np.int64)


def holds(name, length):
    """Whether the bucket's name includes this length (without tokens counts as one)."""
    low, _, high = name.partition("-")
    return length >= int(low.rstrip("+")) if name.endswith("+") else int(low) <= max(length, 1) <= int(high)


@given(values=lengths)
def test_each_length_is_in_the_bucket_whose_name_includes_it(values):
    for length, index in zip(values, bucket(array(values)), strict=True):
        assert [holds(name, length) for name in NAMES].index(True) == index
        assert sum(holds(name, length) for name in NAMES) == 1


@given(values=lengths)
def test_every_document_is_counted_once(values):
    table = counts(array(values), "train")
    assert table["documents"].sum() == len(values)
    assert abs(table["share"].sum() - bool(values)) < 1e-9
    assert set(table["split"]) == {"train"}


@given(values=lengths.filter(bool))
def test_the_table_ends_with_the_last_bucket_that_has_any(values):
    table = counts(array(values), "val")
    assert table["tokens"].to_list() == list(NAMES[: int(bucket(array(values)).max()) + 1])
    assert table["documents"][-1] > 0


def test_names_and_edges():
    assert NAMES == ("1-8", "9-16", "17-32", "33-64", "65-128", "129-256", "257-512", "513-1024", "1025+")
    assert bucket(array([1, 8, 9, 1024, 1025])).tolist() == [0, 0, 1, 7, 8]


def test_shares_are_of_the_split():
    assert counts(array([1, 2, 3, 20]), "test").rows() == [
        ("1-8", "test", 0.75, 3),
        ("9-16", "test", 0.0, 0),
        ("17-32", "test", 0.25, 1),
    ]


def test_no_documents_make_one_empty_bucket():
    assert counts(array([]), "train").rows() == [("1-8", "train", 0.0, 0)]
