import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.tasks.classification.learner import batches as loader_of
from carousel.training.batches import BucketSampler
from tests.support.datasets import dataset

all_lengths = st.lists(st.integers(1, 300), min_size=1, max_size=60).map(np.array)
budgets = st.integers(1, 1000)
seeds = st.integers(0, 2**31)
epochs = st.integers(0, 50)
shuffled = st.booleans()


def sampler(lengths, budget=64, seed=0, *, shuffle=True):
    return BucketSampler(lengths, budget, seed=seed, shuffle=shuffle)


def epoch(found, number):
    """Return an epoch's batches as lists."""
    found.set_epoch(number)
    return [batch.tolist() for batch in found.batches()]


def encoded(lengths):
    """Return documents whose every id tells which document it is."""
    return dataset([[i + 1] * length for i, length in enumerate(lengths)], range(len(lengths)))


# The order is a function of (seed, epoch) alone


@given(lengths=all_lengths, budget=budgets, seed=seeds, number=epochs, before=st.lists(epochs, max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_order_is_a_function_of_seed_and_epoch_alone(lengths, budget, seed, number, before):
    fresh, used = sampler(lengths, budget, seed), sampler(lengths, budget, seed)
    for earlier in before:
        epoch(used, earlier)
    torch.manual_seed(seed)
    first = epoch(fresh, number)
    torch.rand(3)
    assert epoch(used, number) == first == epoch(fresh, number)


def test_seeds_and_epochs_change_the_order():
    lengths = np.random.default_rng(0).integers(1, 60, 100)
    orders = [epoch(sampler(lengths, seed=seed), number) for seed in range(3) for number in range(3)]
    assert all(one != other for i, one in enumerate(orders) for other in orders[:i])


def test_near_lengths_meet_in_ever_new_company_and_batches_come_in_no_order_of_length():
    found = sampler(np.full(40, 10), 100)
    assert {frozenset(batch) for batch in epoch(found, 0)} != {frozenset(batch) for batch in epoch(found, 1)}
    longest = [max(batch) for batch in epoch(sampler(np.arange(1, 200), 400), 0)]
    assert longest not in (sorted(longest), sorted(longest, reverse=True))


def test_without_shuffling_every_epoch_is_shortest_first():
    lengths = np.array([5, 1, 4, 2, 3])
    found = sampler(lengths, 6, shuffle=False)
    assert epoch(found, 0) == epoch(found, 7) == [[1, 3], [4], [2], [0]]


# Every epoch


@given(lengths=all_lengths, budget=budgets, seed=seeds, number=epochs, shuffle=shuffled)
@settings(max_examples=60, deadline=None)
def test_each_document_comes_exactly_once_an_epoch(lengths, budget, seed, number, shuffle):
    batches = epoch(sampler(lengths, budget, seed, shuffle=shuffle), number)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))


@given(lengths=all_lengths, budget=budgets, seed=seeds, shuffle=shuffled)
@settings(max_examples=60, deadline=None)
def test_every_epoch_has_as_many_batches_of_as_many_documents(lengths, budget, seed, shuffle):
    found = sampler(lengths, budget, seed, shuffle=shuffle)
    sizes = [sorted(map(len, epoch(found, number))) for number in range(5)]
    assert sizes == sizes[:1] * 5
    assert len(found) == len(sizes[0])


def test_so_do_the_epochs_of_a_corpus_whatever_lengths_meet():
    found = sampler(np.random.default_rng(0).integers(20, 400, 1000), 2000)
    sizes = [sorted(map(len, epoch(found, number))) for number in range(10)]
    assert sizes == sizes[:1] * 10


@given(lengths=all_lengths, budget=budgets, seed=seeds, number=epochs, shuffle=shuffled)
@settings(max_examples=60, deadline=None)
def test_a_batch_is_within_the_budget_unless_its_one_document_is_longer(lengths, budget, seed, number, shuffle):
    for batch in epoch(sampler(lengths, budget, seed, shuffle=shuffle), number):
        assert len(batch) * lengths[batch].max() <= budget or len(batch) == 1


def test_shuffling_adds_less_than_a_tenth_of_padding():
    lengths = np.random.default_rng(0).integers(20, 400, 3000)
    for number in range(3):
        batches = epoch(sampler(lengths, 2000), number)
        padded = sum(len(batch) * lengths[batch].max() for batch in batches)
        assert padded < 1.1 * lengths.sum()


# The loader


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=20), seed=seeds)
@settings(max_examples=25, deadline=None)
def test_the_loader_gives_padded_documents_with_their_targets(lengths, seed):
    loader = loader_of(encoded(lengths), 30, seed=seed, shuffle=True)
    batches = list(loader)
    assert len(batches) == len(loader)
    seen = []
    for ids, found, targets, _ in batches:
        for row, length, target in zip(ids.tolist(), found.tolist(), targets.tolist(), strict=True):
            assert length == lengths[target]
            assert row == [target + 1] * length + [0] * (ids.shape[1] - length)
            seen.append(target)
    assert sorted(seen) == list(range(len(lengths)))


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_loader_follows_its_sampler(shuffle):
    loader = loader_of(encoded([3, 1, 2, 2, 1, 3, 2]), 6, seed=4, shuffle=shuffle)
    for number in range(3):
        loader.set_epoch(number)
        expected = epoch(loader.buckets, number)
        assert [batch.targets.tolist() for batch in loader] == expected
        assert [loader.names(i) for i in range(len(loader))] == [[str(i) for i in batch] for batch in expected]


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=20), seed=seeds, number=epochs, data=st.data())
@settings(max_examples=25, deadline=None)
def test_an_epoch_goes_on_from_any_batch(lengths, seed, number, data):
    loader = loader_of(encoded(lengths), 20, seed=seed, shuffle=True)
    loader.set_epoch(number)
    read = data.draw(st.integers(0, len(loader)))
    whole = [batch.targets.tolist() for batch in loader]
    batches = iter(loader)
    begun = [next(batches)[2].tolist() for _ in range(read)]
    state = loader.state_dict()

    other = loader_of(encoded(lengths), 20, seed=seed, shuffle=True)
    other.load_state_dict(state if read else {"epoch": number, "read": 0})
    assert begun + [batch.targets.tolist() for batch in other] == whole
    assert [batch.targets.tolist() for batch in other] == whole  # and the next epoch from its start
