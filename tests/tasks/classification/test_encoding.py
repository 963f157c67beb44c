import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.task import find
from carousel.tasks.classification.labels import PART, from_text, to_part
from carousel.tasks.classification.params import Params
from carousel.tasks.classification.scoring import indices
from carousel.text.vocabulary import SPECIALS, Vocabulary

TASK = find("classification")
KNOWN = ("café", "tea", "water")


@given(labels=st.lists(st.sampled_from(KNOWN)))
def test_targets_index_the_labels(labels):
    found = indices(pl.Series(labels, dtype=pl.String), KNOWN)
    assert found.dtype == np.int64
    assert [KNOWN[target] for target in found] == labels


def test_a_label_that_train_lacks_has_no_target():
    with pytest.raises(KeyError, match="wine"):
        indices(pl.Series(["tea", "wine"]), KNOWN)


@given(labels=st.lists(st.text(), unique=True))
def test_labels_survive_their_part(labels):
    assert from_text(to_part(labels).decode("utf-8")) == tuple(labels)


def test_a_split_is_encoded_with_the_vocabulary_and_labels_of_train():
    tokens = pl.DataFrame(
        {
            "id": ["a:1", "a:2", "a:3"],
            "label": ["tea", "café", "tea"],
            "tokens": [["x", "y", "z"], [], ["y", "new"]],
        },
        schema_overrides={"tokens": pl.List(pl.String)},
    )
    vocabulary, params = (
        Vocabulary((*SPECIALS, "x", "y", "z")),
        Params.model_validate({"encode": {"max_length": 2}}),
    )
    parts = TASK.fit_parts(tokens, params)
    assert from_text(parts[PART].decode("utf-8")) == ("café", "tea")
    found = TASK.encode(tokens, vocabulary, parts, params)
    assert [found.first[i].tolist() for i in range(3)] == [[2, 3], [1], [3, 1]]
    assert found.scalars["targets"].tolist() == [1, 0, 1]
    assert found.names == ("a:1", "a:2", "a:3")
    assert found.full_lengths.tolist() == [3, 1, 2]
