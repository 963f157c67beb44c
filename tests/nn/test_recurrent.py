import itertools
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from carousel.nn.cells import CELLS
from carousel.nn.recurrent import ROWS, RecurrentEncoder
from carousel.params import Cell

FEATURES, HIDDEN = 5, 4
TORCHS = {
    "rnn": torch.nn.RNN,
    "lstm": torch.nn.LSTM,
    "gru": torch.nn.GRU,
    "reference_lstm": torch.nn.LSTM,
    "reference_gru": torch.nn.GRU,
}
LSTMS = ("lstm", "reference_lstm")

each_shape_of_torchs = pytest.mark.parametrize(
    ("cell", "layers", "bidirectional"),
    [
        *itertools.product(["rnn", "lstm", "gru"], [1, 2, 3], [False, True]),
        *itertools.product(["reference_lstm", "reference_gru"], [2], [False, True]),
    ],
)
each_cell = pytest.mark.parametrize("cell", CELLS)
each_direction = pytest.mark.parametrize("bidirectional", [False, True])
few = settings(max_examples=10, deadline=None)


def random_lengths(rows, seed):
    return torch.randint(1, 6, (rows,), generator=torch.Generator().manual_seed(seed))


seeds = st.integers(0, 2**31)
one_group = st.lists(st.integers(1, 9), min_size=1, max_size=6).map(torch.tensor)  # in any order
several_groups = st.builds(random_lengths, st.integers(ROWS + 1, 2 * ROWS + 6), seeds)
all_lengths = st.one_of(one_group, several_groups)


def encoder(cell, layers=1, bidirectional=True, seed=0):
    """Return an encoder all of whose weights, biases too, are random."""
    torch.manual_seed(seed)
    found = RecurrentEncoder(cell, FEATURES, HIDDEN, layers=layers, bidirectional=bidirectional)
    for parameter in found.parameters():
        torch.nn.init.uniform_(parameter, -0.7, 0.7)
    return found


def twin(ours, cell, layers, bidirectional):
    """Return torch's own module with the same weights, and pairs (our parameter, its parameter)."""
    torchs = TORCHS[cell](FEATURES, HIDDEN, layers, batch_first=True, bidirectional=bidirectional)
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
    """Return outputs (B, T, D * H), h_n and, of an LSTM, c_n (L * D, B, H), through a PackedSequence."""
    outputs, states = torchs(pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False))
    outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=inputs.shape[1])
    return outputs, *(states if isinstance(states, tuple) else (states,))


def inputs_for(lengths, extra=0):
    return torch.randn(len(lengths), int(lengths.max()) + extra, FEATURES)


def outside(inputs, lengths):
    """Return which time steps (B, T, 1) are padding."""
    return (torch.arange(inputs.shape[1]) >= lengths.unsqueeze(1)).unsqueeze(-1)


def given_of(encoded):
    """Return the tensors that an encoder gave."""
    return [tensor for tensor in encoded if tensor is not None]


def assert_equal(found, expected):
    """Equal to 1e-5 of the largest value."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def scalar(tensors):
    """Return one number that every value counts in, each in its own way."""
    return sum((tensor * torch.linspace(1, 9, tensor.numel()).sin().view_as(tensor)).sum() for tensor in tensors)


def gradients(tensors, of):
    """Return the gradients of one number made from `tensors`; None where none passes."""
    number = scalar(tensors)
    return torch.autograd.grad(number, of, allow_unused=True) if number.requires_grad else [None] * len(of)


# Equal to PackedSequence


@each_shape_of_torchs
@given(lengths=all_lengths, extra=st.integers(0, 3), seed=seeds)
@few
def test_outputs_states_and_gradients_are_those_of_torch_over_a_packed_sequence(
    cell, layers, bidirectional, lengths, extra, seed
):
    ours = encoder(cell, layers, bidirectional, seed)
    torchs, pairs = twin(ours, cell, layers, bidirectional)
    inputs = inputs_for(lengths, extra).requires_grad_()
    parameters, others = zip(*pairs, strict=True)

    found = given_of(ours(inputs, lengths, cell_states=cell in LSTMS))
    expected = packed(torchs, inputs, lengths)
    found = [*found, *gradients(found, of=(inputs, *parameters))]
    expected = [*expected, *gradients(expected, of=(inputs, *others))]
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, other)


@each_cell
def test_final_states_stand_at_the_last_and_the_first_word(cell):
    lengths = torch.tensor([3, 7, 1])
    encoded = encoder(cell, layers=2)(inputs_for(lengths), lengths)
    for row, length in enumerate(lengths.tolist()):
        outputs = encoded.outputs[row]
        assert torch.equal(encoded.final[row], torch.cat([outputs[length - 1, :HIDDEN], outputs[0, HIDDEN:]]))


# Padding and company


@each_cell
@each_direction
@given(lengths=all_lengths, extra=st.integers(1, 3), filling=st.sampled_from([1e4, -1e30, 1e30]), seed=seeds)
@few
def test_values_at_padding_never_matter(cell, bidirectional, lengths, extra, filling, seed):
    encode = encoder(cell, 2, bidirectional, seed)
    clean = inputs_for(lengths, extra)
    found = []
    for inputs in (clean, clean.masked_fill(outside(clean, lengths), filling)):
        inputs.requires_grad_()
        encoded = given_of(encode(inputs, lengths))
        found.append([*encoded, *gradients(encoded, of=(inputs, *encode.parameters()))])
    for one, other in zip(*found, strict=True):
        assert one is other is None or torch.equal(one, other)


@pytest.mark.parametrize("cell", LSTMS)
@pytest.mark.parametrize("filling", [1e2, 1e5, -1e30])
def test_values_at_padding_never_matter_to_cell_states(cell, filling):
    lengths, extra = torch.tensor([3, 7, 1, 5]), 2
    encode = encoder(cell, layers=2)
    clean = inputs_for(lengths, extra)
    found = []
    for inputs in (clean, clean.masked_fill(outside(clean, lengths), filling)):
        inputs.requires_grad_()
        states = encode(inputs, lengths, cell_states=True).cell
        found.append([states, *gradients([states], of=(inputs, *encode.parameters()))])
    for one, other in zip(*found, strict=True):
        assert one is other is None or torch.equal(one, other)


@each_cell
@given(lengths=all_lengths, extra=st.integers(1, 3))
@few
def test_outputs_and_gradients_at_padding_are_zero(cell, lengths, extra):
    inputs = inputs_for(lengths, extra).requires_grad_()
    encoded = encoder(cell, layers=2)(inputs, lengths)
    (gradient,) = gradients(given_of(encoded), of=(inputs,))
    padding = outside(inputs, lengths)
    assert not encoded.outputs.masked_select(padding).any()
    assert gradient is None or not gradient.masked_select(padding).any()


@each_cell
@given(lengths=all_lengths, extra=st.integers(0, 3), data=st.data())
@few
def test_a_document_is_encoded_the_same_alone_and_in_a_batch(cell, lengths, extra, data):
    encode, inputs = encoder(cell, layers=2), inputs_for(lengths, extra)
    together = encode(inputs, lengths, cell_states=cell in LSTMS)
    row = data.draw(st.integers(0, len(lengths) - 1))
    one, length = slice(row, row + 1), lengths[row]
    alone = encode(inputs[one, :length], lengths[one], cell_states=cell in LSTMS)
    in_batch = [together.outputs[one, :length], *(state[:, one] for state in given_of(together[1:]))]
    for found, expected in zip(in_batch, given_of(alone), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@each_cell
@given(lengths=all_lengths, extra=st.integers(0, 3), seed=seeds)
@few
def test_permuting_a_batch_permutes_its_results(cell, lengths, extra, seed):
    encode, inputs = encoder(cell, layers=2, seed=seed), inputs_for(lengths, extra)
    order = torch.randperm(len(lengths))
    straight = encode(inputs, lengths, cell_states=cell in LSTMS)
    permuted = encode(inputs[order], lengths[order], cell_states=cell in LSTMS)
    expected = [straight.outputs[order], *(state[:, order] for state in given_of(straight[1:]))]
    for found, other in zip(given_of(permuted), expected, strict=True):
        torch.testing.assert_close(found, other, rtol=0, atol=1e-6)


# On any number of threads, in any mode


def bits(encode, inputs, lengths, **options):
    """Return all that an encoder computes, forward and backward."""
    inputs = inputs.clone().requires_grad_()
    encoded = given_of(encode(inputs, lengths, **options))
    return [
        tensor
        for tensor in (*encoded, *gradients(encoded, of=(inputs, *encode.parameters())))
        if tensor is not None
    ]


@each_cell
@pytest.mark.parametrize(("rows", "bidirectional"), [(2 * ROWS + 6, True), (ROWS, True), (ROWS + 1, False)])
def test_the_number_of_threads_changes_no_bit(cell, rows, bidirectional, threads):
    torch.manual_seed(0)
    encode = RecurrentEncoder(cell, 96, 128, layers=2, bidirectional=bidirectional)  # torch would share this out
    lengths = random_lengths(rows, 0)
    inputs = torch.randn(rows, 6, 96)
    found = []
    for number in (1, 2, 3):
        threads(number)
        found.append(bits(encode, inputs, lengths))
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))


@pytest.mark.parametrize("cell", LSTMS)
def test_the_number_of_threads_changes_no_bit_of_cell_states(cell, threads):
    torch.manual_seed(0)
    encode = RecurrentEncoder(cell, 96, 128)
    lengths = random_lengths(2 * ROWS + 6, 0)
    inputs = torch.randn(len(lengths), 6, 96)
    found = []
    for number in (1, 2, 3):
        threads(number)
        found.append(bits(encode, inputs, lengths, cell_states=True))
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))


@each_cell
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@given(lengths=all_lengths, seed=seeds)
@few
def test_results_are_the_same_without_gradients(cell, mode, lengths, seed):
    encode, inputs = encoder(cell, layers=2, seed=seed), inputs_for(lengths)
    expected = encode(inputs, lengths, cell_states=cell in LSTMS)
    with mode():
        found = encode(inputs, lengths, cell_states=cell in LSTMS)
    for one, other in zip(given_of(found), given_of(expected), strict=True):
        assert one.is_inference() is (mode is torch.inference_mode)
        assert not one.requires_grad
        assert_equal(one, other)


@each_cell
@given(lengths=all_lengths, seed=seeds)
@few
def test_bf16_is_finite_and_near_fp32(cell, lengths, seed):
    if cell == "lstm" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no bf16 for oneDNN's LSTM, and torch has no other")
    encode, inputs = encoder(cell, seed=seed), inputs_for(lengths).requires_grad_()
    expected = encode(inputs, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        encoded = encode(inputs, lengths)
    for found, exact in zip(given_of(encoded), given_of(expected), strict=True):
        assert (found - exact).abs().max() <= 5e-2 * exact.abs().max().clamp(min=1)
    for gradient in gradients(given_of(encoded), of=(inputs, *encode.parameters())):
        assert gradient is None or gradient.isfinite().all()


# Dropout


def test_dropout_is_between_layers_only_and_in_training_only():
    lengths = torch.tensor([4, 2])
    inputs = inputs_for(lengths)
    for layers, training, changes in [(1, True, False), (2, False, False), (2, True, True)]:
        encode = RecurrentEncoder("gru", FEATURES, HIDDEN, layers=layers, dropout=0.5).train(training)
        one, other = encode(inputs, lengths), encode(inputs, lengths)
        assert torch.equal(one.hidden[:2], other.hidden[:2])  # the first layer's
        assert torch.equal(one.outputs, other.outputs) is not changes
        assert one.outputs.masked_select(~outside(inputs, lengths)).all()


@pytest.mark.parametrize("cell", LSTMS)
def test_hidden_and_cell_states_come_of_the_same_dropout(cell):
    torch.manual_seed(0)
    encode = RecurrentEncoder(cell, FEATURES, HIDDEN, layers=3, dropout=0.5).train()
    lengths = torch.tensor([4, 2, 7, 1])
    _, hidden, states, _ = encode(inputs_for(lengths), lengths, cell_states=True)
    opened = hidden / states.tanh()  # h = o ⊙ tanh(c), with o from 0 to 1
    assert ((opened > 0) & (opened < 1)).all()


# Names, sizes and refusals


def test_the_cells_are_those_of_params():
    assert set(CELLS) == set(get_args(Cell))


@each_cell
@each_direction
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_sizes_are_those_that_are_documented(cell, layers, bidirectional):
    encode = RecurrentEncoder(cell, FEATURES, HIDDEN, layers=layers, bidirectional=bidirectional)
    lengths, directions = torch.tensor([2, 3]), 1 + bidirectional
    encoded = encode(inputs_for(lengths), lengths)
    assert encode.output_size == directions * HIDDEN
    assert encoded.outputs.shape == (2, 3, encode.output_size)
    assert encoded.hidden.shape == (layers * directions, 2, HIDDEN)
    assert encoded.final.shape == (2, encode.output_size)
    assert encoded.cell is None


@pytest.mark.parametrize("cell", sorted(set(CELLS) - set(LSTMS)))
def test_asking_for_cell_states_says_which_cell_has_none(cell):
    lengths = torch.tensor([2, 3])
    with pytest.raises(ValueError, match=f"{CELLS[cell].__name__} has no cell state"):
        encoder(cell)(inputs_for(lengths), lengths, cell_states=True)
