from functools import partial
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.cells import CELLS
from carousel.nn.config import ClassifierConfig
from carousel.nn.encoders import ENCODERS
from carousel.nn.reading import READINGS, Chunked, Stateful
from carousel.nn.recurrent import ROWS, RecurrentEncoder
from carousel.tasks.classification.params import Model
from tests.nn.tiny_problems import keyword, learned, order, right

FEATURES, HIDDEN = 5, 4

all_lengths = st.lists(st.integers(1, 23), min_size=1, max_size=5).map(torch.tensor)
each_cell = pytest.mark.parametrize("cell", CELLS)
some = settings(max_examples=15, deadline=None)


def encoder(name="recurrent", **config):
    torch.manual_seed(0)
    small = {"embedding_size": FEATURES, "hidden_size": HIDDEN, "heads": 2, "layers": 2, "encoder": name}
    return ENCODERS[name](ClassifierConfig(9, 2, **{**small, **config})).eval()


def inputs_for(lengths, extra=0):
    return torch.randn(len(lengths), int(lengths.max()) + extra, FEATURES)


def chunk_by_chunk(encode, document, chunk, overlap):
    """Return the outputs (T, C) of one document (T, F), a chunk after the other."""
    length, outputs, first = len(document), [], 0
    while True:
        last = min(first + chunk, length)
        own = encode(document[first:last].unsqueeze(0), torch.tensor([last - first])).outputs[0]
        outputs = outputs[: first + overlap // 2] if first else []
        outputs += list(own[overlap // 2 if first else 0 :])
        if last == length:
            return torch.stack(outputs)
        first += chunk - overlap


# In chunks


@pytest.mark.parametrize("name", ENCODERS)
@given(lengths=all_lengths, chunk=st.integers(1, 9), data=st.data())
@some
def test_chunks_are_each_read_on_their_own_and_every_word_counts_once(name, lengths, chunk, data):
    overlap = data.draw(st.integers(0, chunk - 1))
    encode, inputs = encoder(name), inputs_for(lengths, extra=2)
    found = Chunked(chunk, overlap).read(encode, inputs, lengths)
    assert found.outputs.shape[:2] == inputs.shape[:2]
    for row, length in enumerate(lengths.tolist()):
        expected = chunk_by_chunk(encode, inputs[row, :length], chunk, overlap)
        torch.testing.assert_close(found.outputs[row, :length], expected, rtol=0, atol=1e-5)
        assert not found.outputs[row, length:].any()
        assert torch.equal(
            found.final[[row]], encode.final(found.outputs[[row], 0], found.outputs[[row], length - 1])
        )


def test_a_document_of_one_chunk_is_read_as_a_whole():
    encode, lengths = encoder(), torch.tensor([6, 2])
    inputs = inputs_for(lengths)
    expected = encode(inputs, lengths)
    for reading in (Chunked(6, 2), Stateful(6)):
        found = reading.read(encode, inputs, lengths)
        assert torch.equal(found.outputs, expected.outputs)
        assert torch.equal(found.final, expected.final)


def test_chunks_that_never_end_are_refused():
    with pytest.raises(ValueError, match="chunks of 4 words cannot overlap by 4"):
        Chunked(4, 4)


# Stateful


@each_cell
@pytest.mark.parametrize("rows", [1, 5, ROWS + 3])
def test_a_carried_forward_state_is_that_of_reading_on(cell, rows):
    encode = encoder(cell=cell, bidirectional=False)
    lengths = torch.randint(1, 24, (rows,))
    inputs = inputs_for(lengths, extra=1)
    expected = encode(inputs, lengths)
    for chunk in (1, 4, 50):
        found = Stateful(chunk).read(encode, inputs, lengths)
        torch.testing.assert_close(found.outputs, expected.outputs, rtol=0, atol=1e-5)
        torch.testing.assert_close(found.final, expected.final, rtol=0, atol=1e-5)


def test_the_backward_direction_reads_each_segment_on_its_own():
    encode, lengths = encoder(layers=1), torch.tensor([7])
    inputs = inputs_for(lengths)
    found = Stateful(4).read(encode, inputs, lengths)
    parts = [
        encode(inputs[:, first:last], torch.tensor([last - first])).outputs for first, last in ((0, 4), (4, 7))
    ]
    torch.testing.assert_close(found.outputs[..., HIDDEN:], torch.cat(parts, 1)[..., HIDDEN:], rtol=0, atol=1e-6)
    whole = encode(inputs, lengths).outputs
    torch.testing.assert_close(found.outputs[..., :HIDDEN], whole[..., :HIDDEN], rtol=0, atol=1e-6)


def test_no_gradient_passes_from_one_segment_to_another():
    encode, lengths = encoder(cell="gru"), torch.tensor([8, 3])
    inputs = inputs_for(lengths).requires_grad_()
    Stateful(4).read(encode, inputs, lengths).outputs[0, 4:].sum().backward()
    assert not inputs.grad[:, :4].any()
    assert inputs.grad[0, 4:].any(-1).all()
    assert all(parameter.grad.isfinite().all() for parameter in encode.parameters())


@pytest.mark.parametrize("name", sorted(set(ENCODERS) - {"recurrent"}))
def test_what_has_no_state_cannot_carry_it(name):
    lengths = torch.tensor([3])
    with pytest.raises(ValueError, match="has no state to carry on: only a recurrent encoder has"):
        Stateful(2).read(encoder(name), inputs_for(lengths), lengths)


# Any reading


@pytest.mark.parametrize("reading", [Chunked(4, 2), Chunked(5, 0), Stateful(4)])
@given(lengths=all_lengths, filling=st.sampled_from([1e4, -1e30]))
@some
def test_padding_and_company_never_matter(reading, lengths, filling):
    encode, clean = encoder(), inputs_for(lengths, extra=2)
    outside = (torch.arange(clean.shape[1]) >= lengths.unsqueeze(1)).unsqueeze(-1)
    expected, found = (reading.read(encode, x, lengths) for x in (clean, clean.masked_fill(outside, filling)))
    assert torch.equal(found.outputs, expected.outputs)
    alone = reading.read(encode, clean[:1, : lengths[0]], lengths[:1])
    torch.testing.assert_close(found.outputs[:1, : lengths[0]], alone.outputs, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.final[:1], alone.final, rtol=0, atol=1e-6)


@pytest.mark.parametrize("reading", ["chunked", "stateful"])
def test_order_is_learned_across_the_edges_of_chunks(reading):
    _, accuracy = learned(order, reading=reading, chunk=4, overlap=2)
    assert accuracy > 0.95


def test_what_is_learned_within_segments_holds_across_their_edges_where_the_state_is_carried():
    within, across = partial(order, places=(0, 1, 2, 4, 5, 6)), partial(order, places=(3,))
    found = {}
    for reading in ("stateful", "chunked"):
        model, accuracy = learned(within, reading=reading, chunk=4, overlap=0, cell="gru", bidirectional=False)
        assert accuracy > 0.95
        found[reading] = right(model, across)
    assert found["stateful"] > 0.95
    assert found["chunked"] < 0.75


@pytest.mark.parametrize("reading", ["full", "chunked", "stateful"])
def test_a_keyword_in_the_middle_of_2000_words_is_found(reading):
    config = {"cell": "min_gru", "pooling": "max", "reading": reading, "chunk": 100, "overlap": 20}
    _, accuracy = learned(keyword, count=12, steps=25, tested=32, hidden_size=8, embedding_size=8, **config)
    assert accuracy > 0.95


def test_the_readings_are_those_of_params():
    assert set(READINGS) == set(get_args(Model.model_fields["reading"].annotation))


def test_states_of_a_batch_that_ended_are_not_asked_for():
    lengths = torch.tensor([2, 3])
    assert RecurrentEncoder("lstm", FEATURES, HIDDEN)(inputs_for(lengths), lengths).after is None
