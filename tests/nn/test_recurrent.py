import itertools
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from carousel.nn.recurrent import CELLS, RecurrentEncoder
from carousel.params import Model

FEATURES, HIDDEN = 5, 4

each_shape = pytest.mark.parametrize(
    ("cell", "layers", "bidirectional"), list(itertools.product(CELLS, [1, 2, 3], [False, True]))
)
each_cell = pytest.mark.parametrize("cell", CELLS)
few = settings(max_examples=25, deadline=None)

all_lengths = st.lists(st.integers(1, 9), min_size=1, max_size=6)  # in any order
seeds = st.integers(0, 2**31)


def encoder(cell, layers=1, bidirectional=True, seed=0):
    """Return an encoder all of whose weights, biases too, are random."""
    torch.manual_seed(seed)
    found = RecurrentEncoder(cell, FEATURES, HIDDEN, layers=layers, bidirectional=bidirectional)
    for parameter in found.parameters():
        torch.nn.init.uniform_(parameter, -0.7, 0.7)
    return found


def twin(ours, cell, layers, bidirectional):
    """Return torch's own module with the same weights, and pairs (our parameter, its parameter)."""
    torchs = CELLS[cell](FEATURES, HIDDEN, layers, batch_first=True, bidirectional=bidirectional)
    pairs = []
    for number, layer in enumerate(ours.layers):
        for suffix, direction in zip(("", "_reverse"), layer, strict=False):
            for name, parameter in direction.named_parameters():
                other = getattr(torchs, f"{name.removesuffix('_l0')}_l{number}{suffix}")
                pairs.append((parameter, other))
                with torch.no_grad():
                    other.copy_(parameter)
    assert len(pairs) == len(list(torchs.parameters()))
    return torchs, pairs


def packed(torchs, inputs, lengths):
    """Return outputs (B, T, D * H) and the last layer's final states (B, D * H), through a PackedSequence."""
    outputs, states = torchs(pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False))
    outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=inputs.shape[1])
    final = states[0] if isinstance(states, tuple) else states  # (layers * D, B, H)
    directions = 2 if torchs.bidirectional else 1
    return outputs, final[-directions:].transpose(0, 1).flatten(1)


def inputs_for(lengths, extra=0):
    return torch.randn(len(lengths), int(lengths.max()) + extra, FEATURES)


def outside(inputs, lengths):
    """Return which time steps (B, T, 1) are padding."""
    return (torch.arange(inputs.shape[1]) >= lengths.unsqueeze(1)).unsqueeze(-1)


def assert_equal(found, expected):
    """Equal to 1e-5 of the largest value."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def scalar(outputs, final):
    """Return one number that every output and final state counts in, each in its own way."""
    weights = torch.linspace(-1, 1, outputs.numel()).sin().reshape(outputs.shape)
    return (outputs * weights).sum() + (final * torch.linspace(1, 2, final.numel()).reshape(final.shape)).sum()


# Equal to PackedSequence


@each_shape
@given(lengths=all_lengths, extra=st.integers(0, 3), seed=seeds)
@few
def test_outputs_states_and_gradients_are_those_of_torch_over_a_packed_sequence(
    cell, layers, bidirectional, lengths, extra, seed
):
    ours = encoder(cell, layers, bidirectional, seed)
    torchs, pairs = twin(ours, cell, layers, bidirectional)
    lengths = torch.tensor(lengths)
    ours_in = inputs_for(lengths, extra).requires_grad_()
    torchs_in = ours_in.detach().clone().requires_grad_()

    outputs, final = ours(ours_in, lengths)
    expected_outputs, expected_final = packed(torchs, torchs_in, lengths)
    assert_equal(outputs, expected_outputs)
    assert_equal(final, expected_final)

    scalar(outputs, final).backward()
    scalar(expected_outputs, expected_final).backward()
    assert_equal(ours_in.grad, torchs_in.grad)
    for parameter, other in pairs:
        assert_equal(parameter.grad, other.grad)


# Padding and company


@each_shape
@given(lengths=all_lengths, extra=st.integers(1, 3), filling=st.sampled_from([1e4, -1e30, 1e30]), seed=seeds)
@few
def test_values_at_padding_never_matter(cell, layers, bidirectional, lengths, extra, filling, seed):
    encode = encoder(cell, layers, bidirectional, seed)
    lengths = torch.tensor(lengths)
    clean = inputs_for(lengths, extra)
    filled = clean.masked_fill(outside(clean, lengths), filling)
    found = []
    for inputs in (clean, filled):
        encode.zero_grad()
        inputs.requires_grad_()
        outputs, final = encode(inputs, lengths)
        scalar(outputs, final).backward()
        found.append([outputs, final, inputs.grad, *(parameter.grad for parameter in encode.parameters())])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@each_cell
@given(lengths=all_lengths, extra=st.integers(1, 3))
@few
def test_outputs_and_gradients_at_padding_are_zero(cell, lengths, extra):
    lengths = torch.tensor(lengths)
    inputs = inputs_for(lengths, extra).requires_grad_()
    outputs, final = encoder(cell, layers=2)(inputs, lengths)
    scalar(outputs, final).backward()
    padding = outside(inputs, lengths)
    assert not outputs.masked_select(padding).any()
    assert not inputs.grad.masked_select(padding).any()


@each_cell
@given(lengths=all_lengths, extra=st.integers(0, 3))
@few
def test_a_document_is_encoded_the_same_alone_and_in_a_batch(cell, lengths, extra):
    encode, lengths = encoder(cell, layers=2), torch.tensor(lengths)
    inputs = inputs_for(lengths, extra)
    outputs, final = encode(inputs, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = encode(inputs[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(outputs[row : row + 1, :length], alone.outputs, rtol=0, atol=1e-6)
        torch.testing.assert_close(final[row : row + 1], alone.final, rtol=0, atol=1e-6)


@each_cell
def test_final_states_stand_at_the_last_and_the_first_word(cell):
    lengths = torch.tensor([3, 7, 1])
    outputs, final = encoder(cell)(inputs_for(lengths), lengths)
    for row, length in enumerate(lengths.tolist()):
        assert torch.equal(final[row], torch.cat([outputs[row, length - 1, :HIDDEN], outputs[row, 0, HIDDEN:]]))


# Dropout


def test_dropout_is_between_layers_only_and_in_training_only():
    lengths = torch.tensor([4, 2])
    inputs = inputs_for(lengths)
    for layers, training, changes in [(1, True, False), (2, False, False), (2, True, True)]:
        encode = RecurrentEncoder("gru", FEATURES, HIDDEN, layers=layers, dropout=0.5).train(training)
        same = torch.equal(encode(inputs, lengths).outputs, encode(inputs, lengths).outputs)
        assert same is not changes


# Initialisation, in the weights themselves


@each_shape
def test_recurrent_weights_are_orthogonal_by_gate(cell, layers, bidirectional):
    encode = RecurrentEncoder(cell, FEATURES, HIDDEN, layers=layers, bidirectional=bidirectional)
    recurrent = [weights for name, weights in encode.named_parameters() if "weight_hh" in name]
    assert len(recurrent) == layers * (1 + bidirectional)
    for weights in recurrent:
        for gate in weights.split(HIDDEN):
            torch.testing.assert_close(gate @ gate.T, torch.eye(HIDDEN), rtol=0, atol=1e-5)


@each_shape
def test_input_weights_fill_the_bounds_of_xavier_by_gate(cell, layers, bidirectional):
    encode = RecurrentEncoder(cell, 300, 200, layers=layers, bidirectional=bidirectional)
    for name, weights in encode.named_parameters():
        if "weight_ih" in name:
            bound = (6 / (200 + weights.shape[1])) ** 0.5
            for gate in weights.split(200):
                assert 0.99 * bound < gate.abs().max() <= bound


@each_shape
def test_forget_gates_begin_open_and_every_other_bias_at_zero(cell, layers, bidirectional):
    encode = RecurrentEncoder(cell, FEATURES, HIDDEN, layers=layers, bidirectional=bidirectional)
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
    expected = torch.zeros(gates, HIDDEN)
    if cell == "lstm":
        expected[1] = 1  # torch's order is input, forget, cell, output
    for layer in encode.layers:
        for direction in layer:
            assert torch.equal((direction.bias_ih_l0 + direction.bias_hh_l0).reshape(gates, HIDDEN), expected)


# Names and sizes


def test_the_cells_are_those_of_params():
    assert set(CELLS) == set(get_args(Model.model_fields["cell"].annotation))


@each_shape
def test_the_output_size_is_that_of_the_outputs(cell, layers, bidirectional):
    encode = RecurrentEncoder(cell, FEATURES, HIDDEN, layers=layers, bidirectional=bidirectional)
    lengths = torch.tensor([2, 3])
    outputs, final = encode(inputs_for(lengths), lengths)
    assert outputs.shape == (2, 3, encode.output_size)
    assert final.shape == (2, encode.output_size)
