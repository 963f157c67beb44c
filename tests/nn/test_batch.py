import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from carousel.nn.batch import pad
from carousel.text.batch import by_length, fill
from carousel.text.vocabulary import PADDING_ID

documents = st.lists(st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=8), min_size=1, max_size=8)
all_lengths = st.lists(st.integers(1, 40), max_size=40).map(lambda lengths: np.array(lengths, dtype=np.int64))
budgets = st.integers(1, 120)


def size(group, lengths):
    """Return the tokens of a padded group."""
    return len(group) * lengths[group].max()


# Padding


@given(documents=documents)
def test_documents_survive_padding(documents):
    ids, lengths = pad(documents)
    assert ids.dtype == lengths.dtype == torch.int64
    assert ids.shape == (len(documents), max(len(document) for document in documents))
    for row, length, document in zip(ids.tolist(), lengths.tolist(), documents, strict=True):
        assert row[:length] == document
        assert set(row[length:]) <= {PADDING_ID}


def test_ids_on_disk_and_in_lists_are_padded_alike():
    lists = [[5, 6, 7], [8]]
    for one, other in zip(pad(lists), pad([np.array(ids, dtype=np.int32) for ids in lists]), strict=True):
        assert torch.equal(one, other)


# Grouping


@given(lengths=all_lengths, budget=budgets)
def test_by_length_takes_every_document_once_shortest_first(lengths, budget):
    groups = by_length(lengths, budget)
    order = np.concatenate([*groups, np.empty(0, dtype=np.int64)]).astype(np.int64)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert np.array_equal(lengths[order], np.sort(lengths))


@given(lengths=all_lengths, budget=budgets, data=st.data())
def test_fill_cuts_any_order_and_changes_none(lengths, budget, data):
    order = np.array(data.draw(st.permutations(range(len(lengths)))), dtype=np.int64)
    groups = fill(order, lengths, budget)
    assert np.array_equal(np.concatenate([*groups, np.empty(0, dtype=np.int64)]), order)
    assert all(len(group) for group in groups)


@given(lengths=all_lengths, budget=budgets, data=st.data())
def test_a_group_is_within_the_budget_unless_its_one_document_is_longer(lengths, budget, data):
    order = np.array(data.draw(st.permutations(range(len(lengths)))), dtype=np.int64)
    for group in [*fill(order, lengths, budget), *by_length(lengths, budget)]:
        assert size(group, lengths) <= budget or len(group) == 1


@given(lengths=all_lengths, budget=budgets, data=st.data())
def test_a_group_ends_only_where_one_more_document_is_too_much(lengths, budget, data):
    order = np.array(data.draw(st.permutations(range(len(lengths)))), dtype=np.int64)
    groups = fill(order, lengths, budget)
    for group, following in itertools.pairwise(groups):
        assert size(np.append(group, following[0]), lengths) > budget


@pytest.mark.parametrize(
    ("lengths", "budget", "groups"),
    [
        ([], 10, []),
        ([3], 1, [[0]]),
        ([2, 9, 2, 2], 6, [[0, 2, 3], [1]]),
        ([4, 4, 4, 4], 8, [[0, 1], [2, 3]]),
        ([1, 1, 5], 5, [[0, 1], [2]]),
    ],
)
def test_examples(lengths, budget, groups):
    assert [group.tolist() for group in by_length(np.array(lengths, dtype=np.int64), budget)] == groups
