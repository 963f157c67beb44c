from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.config import EncoderConfig
from carousel.nn.encoders import ENCODERS, called, size
from carousel.tasks.classification.params import Model
from tests.nn.tiny_problems import learned, order

FEATURES, HIDDEN = 5, 4
SIZES = {"recurrent": 2 * HIDDEN, "convolutional": 3 * HIDDEN, "transformer": HIDDEN, "bag": FEATURES}

each_encoder = pytest.mark.parametrize("name", ENCODERS)
all_lengths = st.lists(st.integers(1, 9), min_size=1, max_size=6).map(torch.tensor)
some = settings(max_examples=15, deadline=None)


def encoder(name):
    torch.manual_seed(0)
    return ENCODERS[name](EncoderConfig(name, hidden_size=HIDDEN, heads=2, layers=2), FEATURES).eval()


def inputs_for(lengths, extra=0):
    return torch.randn(len(lengths), int(lengths.max()) + extra, FEATURES)


def outside(inputs, lengths):
    """Return which time steps (B, T, 1) are padding."""
    return (torch.arange(inputs.shape[1]) >= lengths.unsqueeze(1)).unsqueeze(-1)


@each_encoder
@given(lengths=all_lengths, extra=st.integers(1, 3), filling=st.sampled_from([1e4, -1e30, 1e30]))
@some
def test_padding_is_zero_and_what_stands_there_never_matters(name, lengths, extra, filling):
    encode, clean = encoder(name), inputs_for(lengths, extra)
    padding = outside(clean, lengths)
    expected, found = (encode(inputs, lengths) for inputs in (clean, clean.masked_fill(padding, filling)))
    assert torch.equal(found.outputs, expected.outputs)
    assert torch.equal(found.final, expected.final)
    assert not found.outputs.masked_select(padding).any()


@each_encoder
@given(lengths=all_lengths, extra=st.integers(0, 3), data=st.data())
@some
def test_a_document_is_encoded_the_same_alone_and_in_a_batch(name, lengths, extra, data):
    encode, inputs = encoder(name), inputs_for(lengths, extra)
    together = encode(inputs, lengths)
    row = data.draw(st.integers(0, len(lengths) - 1))
    one, length = slice(row, row + 1), lengths[row]
    alone = encode(inputs[one, :length], lengths[one])
    torch.testing.assert_close(together.outputs[one, :length], alone.outputs, rtol=0, atol=1e-5)
    torch.testing.assert_close(together.final[one], alone.final, rtol=0, atol=1e-5)


@each_encoder
def test_gradients_are_finite_and_stay_out_of_other_documents_and_padding(name):
    lengths = torch.tensor([4, 1, 2])
    encode, inputs = encoder(name), inputs_for(lengths, extra=2).requires_grad_()
    encode(inputs, lengths).outputs[0].square().sum().backward()
    assert inputs.grad.isfinite().all()
    assert inputs.grad[0, :4].any(-1).all()
    assert not inputs.grad[0, 4:].any()
    assert not inputs.grad[1:].any()
    assert all(parameter.grad.isfinite().all() for parameter in encode.parameters())


@each_encoder
def test_sizes_and_the_final_state_are_as_documented(name):
    lengths, encode = torch.tensor([2, 5, 1]), encoder(name)
    encoded = encode(inputs_for(lengths), lengths)
    assert encoded.outputs.shape == (3, 5, encode.output_size)
    assert encode.output_size == SIZES[name]
    first, last = encoded.outputs[:, 0], encoded.outputs[torch.arange(3), lengths - 1]
    assert torch.equal(encoded.final, encode.final(first, last))
    if name != "recurrent":
        assert torch.equal(encoded.final, last)


@each_encoder
@given(length=st.integers(1, 20), limit=st.integers(1, 8))
@some
def test_the_pieces_of_a_document_are_its_outputs(name, length, limit):
    encode, vectors, seen = encoder(name), torch.randn(1, length, FEATURES), []

    def embed(first, last):
        assert 0 <= first < last <= length
        seen.append(last - first)
        return vectors[:, first:last]

    with torch.inference_mode():
        pieces = list(encode.pieces(embed, length, limit))
        expected = encode(vectors, torch.tensor([length])).outputs
    torch.testing.assert_close(torch.cat(pieces, dim=1), expected, rtol=0, atol=1e-5)
    if encode.reach is not None:
        assert max(seen) <= limit + 2 * encode.reach
        assert all(piece.shape[1] <= limit for piece in pieces)


@pytest.mark.parametrize("name", sorted(set(ENCODERS) - {"bag"}))
@pytest.mark.parametrize("pooling", ["max", "attention"])
def test_it_learns_the_order_of_two_words(name, pooling):
    _, accuracy = learned(order, encoder=name, pooling=pooling, rate=0.01, steps=80)
    assert accuracy > 0.95


@pytest.mark.parametrize("pooling", ["max", "mean", "max_mean", "attention"])
def test_a_bag_cannot_learn_the_order_of_two_words(pooling):
    _, accuracy = learned(order, encoder="bag", pooling=pooling)
    assert accuracy < 0.65


def test_the_encoders_are_those_of_params():
    assert set(ENCODERS) == set(get_args(Model.model_fields["encoder"].annotation))


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "bilstm-128x1"),
        ({"cell": "gru", "bidirectional": False, "layers": 2}, "gru-128x2"),
        ({"encoder": "convolutional"}, "convolutional-128"),
        ({"encoder": "transformer", "hidden_size": 64}, "transformer-64x1"),
        ({"encoder": "bag", "embedding_size": 32}, "bag-32"),
    ],
)
def test_a_model_is_called_what_reads(changed, name):
    model = Model(**changed)
    reads = called(model.encoder, model.cell, model.bidirectional)
    assert f"{reads}-{size(model.encoder, model.hidden_size, model.layers, model.embedding_size)}" == name
