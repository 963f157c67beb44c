import itertools
from functools import reduce
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.pooling import POOLINGS, Attention
from carousel.tasks.classification.params import Model

FEATURES = 3


def attended(pool, outputs):
    """The equations, for one document's outputs (length, C)."""
    scores = torch.stack([pool.context @ torch.tanh(pool.project.weight @ h + pool.project.bias) for h in outputs])
    weights = scores.exp() / scores.exp().sum()
    return (weights.unsqueeze(1) * outputs).sum(0)


EXPECTED = {  # of a pooling, one document's own outputs (length, C) and its final state (C,)
    "last": lambda _pool, _outputs, final: final,
    "mean": lambda _pool, outputs, _final: outputs.mean(0),
    "max": lambda _pool, outputs, _final: outputs.amax(0),
    "max_mean": lambda _pool, outputs, _final: torch.cat([outputs.amax(0), outputs.mean(0)]),
    "last_max_mean": lambda _pool, outputs, final: torch.cat([final, outputs.amax(0), outputs.mean(0)]),
    "attention": lambda pool, outputs, _final: attended(pool, outputs),
}

each_pooling = pytest.mark.parametrize("name", POOLINGS)
all_lengths = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def made(name, seed=0):
    torch.manual_seed(seed)
    return POOLINGS[name](FEATURES)


def encoded(lengths, extra, seed=0):
    """Return outputs that are zero at padding, as the encoder's are, with final states."""
    torch.manual_seed(seed)
    steps = int(lengths.max()) + extra
    outputs = torch.randn(len(lengths), steps, FEATURES)
    outputs[torch.arange(steps) >= lengths.unsqueeze(1)] = 0
    return outputs, torch.randn(len(lengths), FEATURES)


@each_pooling
@given(lengths=all_lengths, extra=st.integers(0, 3), seed=st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_each_document_is_pooled_over_its_own_time_steps(name, lengths, extra, seed):
    lengths = torch.tensor(lengths)
    outputs, final = encoded(lengths, extra, seed)
    pool = made(name, seed)
    expected = [EXPECTED[name](pool, outputs[i, :length], final[i]) for i, length in enumerate(lengths)]
    torch.testing.assert_close(pool(outputs, final, lengths), torch.stack(expected), rtol=0, atol=1e-6)


@each_pooling
@given(length=st.integers(1, 9), cuts=st.sets(st.integers(1, 8)), scale=st.sampled_from([1.0, 1e3]))
@settings(max_examples=50, deadline=None)
def test_a_document_in_pieces_is_pooled_as_a_whole(name, length, cuts, scale):
    pool, lengths = made(name), torch.tensor([length])
    outputs, final = encoded(lengths, extra=0)
    outputs = outputs * scale
    edges = [0, *sorted(cut for cut in cuts if cut < length), length]
    parts = [
        pool.part(outputs[:, first:last], torch.tensor([last - first])) for first, last in itertools.pairwise(edges)
    ]
    found = pool.finished(reduce(pool.merged, parts), final, lengths)
    torch.testing.assert_close(found, pool(outputs, final, lengths), rtol=1e-5, atol=1e-6 * scale)


@each_pooling
def test_the_width_is_as_the_class_says(name):
    lengths, pool = torch.tensor([4, 1]), made(name)
    assert pool(*encoded(lengths, extra=2), lengths).shape == (2, pool.widths * FEATURES)


@each_pooling
def test_gradients_are_finite_and_stay_out_of_other_documents(name):
    lengths = torch.tensor([4, 1, 2])
    outputs, final = (tensor.requires_grad_() for tensor in encoded(lengths, extra=2))
    pool = made(name)
    pool(outputs, final, lengths)[0].sum().backward()
    for gradient in (outputs.grad, final.grad):
        if gradient is not None:
            assert gradient.isfinite().all()
            assert gradient[0].any()
            assert not gradient[1:].any()
    assert all(parameter.grad.isfinite().all() for parameter in pool.parameters())


def test_the_maximum_of_negative_outputs_is_not_the_zero_at_padding():
    outputs = torch.tensor([[[-3.0], [-2.0], [0.0], [0.0]]])
    assert POOLINGS["max"](1)(outputs, torch.zeros(1, 1), torch.tensor([2])).tolist() == [[-2.0]]


# Attention


def test_attention_is_the_mean_by_its_weights_which_are_zero_at_padding_and_sum_to_one():
    lengths, pool = torch.tensor([4, 1, 6]), made("attention")
    outputs, final = encoded(lengths, extra=2)
    weights = pool.weights(outputs, lengths)
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    assert not weights[torch.arange(8) >= lengths.unsqueeze(1)].any()
    torch.testing.assert_close((weights.unsqueeze(-1) * outputs).sum(1), pool(outputs, final, lengths))


def test_the_gradient_of_attention_is_that_of_its_weights():
    lengths, pool = torch.tensor([5]), made("attention")
    outputs, final = encoded(lengths, extra=0)
    found = torch.autograd.grad(pool(outputs, final, lengths)[0, 0], list(pool.parameters()))
    by_weights = (pool.weights(outputs, lengths).unsqueeze(-1) * outputs).sum(1)
    for one, other in zip(found, torch.autograd.grad(by_weights[0, 0], list(pool.parameters())), strict=True):
        torch.testing.assert_close(one, other)


def test_attention_learns_which_word_counts():
    """One of ten words is flagged, and its number is wanted; the others have numbers, too."""
    torch.manual_seed(0)
    pool, head = Attention(4), torch.nn.Linear(4, 1)
    optimizer = torch.optim.Adam([*pool.parameters(), *head.parameters()], lr=0.1)
    lengths, rows = torch.full((32,), 10), torch.arange(32)
    for _ in range(100):
        outputs = torch.zeros(32, 10, 4)
        outputs[:, :, 0] = torch.randn(32, 10)
        place = torch.randint(10, (32,))
        outputs[rows, place, 1] = 2
        found = head(pool(outputs, outputs[:, -1], lengths)).squeeze(1)
        loss = (found - outputs[rows, place, 0]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1
    assert torch.equal(pool.weights(outputs, lengths).argmax(1), place)


def test_the_poolings_are_those_of_params():
    assert set(POOLINGS) == set(get_args(Model.model_fields["pooling"].annotation))
