from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.pooling import POOLINGS
from carousel.params import Model

FEATURES = 3

EXPECTED = {  # of one document's own outputs (length, C) and its final state (C,)
    "last": lambda _outputs, final: final,
    "mean": lambda outputs, _final: outputs.mean(0),
    "max": lambda outputs, _final: outputs.amax(0),
    "max_mean": lambda outputs, _final: torch.cat([outputs.amax(0), outputs.mean(0)]),
}

each_pooling = pytest.mark.parametrize("name", POOLINGS)
all_lengths = st.lists(st.integers(1, 7), min_size=1, max_size=5)


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
    pool, _ = POOLINGS[name]
    expected = [EXPECTED[name](outputs[i, :length], final[i]) for i, length in enumerate(lengths)]
    torch.testing.assert_close(pool(outputs, final, lengths), torch.stack(expected), rtol=0, atol=1e-6)


@each_pooling
def test_the_width_is_as_the_table_says(name):
    lengths = torch.tensor([4, 1])
    pool, widths = POOLINGS[name]
    assert pool(*encoded(lengths, extra=2), lengths).shape == (2, widths * FEATURES)


@each_pooling
def test_gradients_are_finite_and_stay_out_of_other_documents(name):
    lengths = torch.tensor([4, 1, 2])
    outputs, final = (tensor.requires_grad_() for tensor in encoded(lengths, extra=2))
    POOLINGS[name][0](outputs, final, lengths)[0].sum().backward()
    for gradient in (outputs.grad, final.grad):
        if gradient is not None:
            assert gradient.isfinite().all()
            assert gradient[0].any()
            assert not gradient[1:].any()


def test_the_maximum_of_negative_outputs_is_not_the_zero_at_padding():
    outputs = torch.tensor([[[-3.0], [-2.0], [0.0], [0.0]]])
    assert POOLINGS["max"][0](outputs, torch.zeros(1, 1), torch.tensor([2])).tolist() == [[-2.0]]


def test_the_poolings_are_those_of_params():
    assert set(POOLINGS) == set(get_args(Model.model_fields["pooling"].annotation))
