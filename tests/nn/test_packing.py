import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence

from carousel.nn.packing import Packing

all_lengths = st.lists(st.integers(1, 7), min_size=1, max_size=5)
few = settings(max_examples=50, deadline=None)


def padded(lengths, extra=0):
    """Return a batch (B, T, 1) in which every element is another number, from 1 on."""
    steps = max(lengths) + extra
    return torch.arange(1.0, len(lengths) * steps + 1).view(len(lengths), steps, 1)


@given(lengths=all_lengths)
@few
def test_elements_are_in_the_order_of_a_packed_sequence(lengths):
    lengths.sort(reverse=True)
    batch, packing = padded(lengths), Packing.of(torch.tensor(lengths), max(lengths))
    expected = pack_padded_sequence(batch, torch.tensor(lengths), batch_first=True)
    assert torch.equal(packing.pack(batch), expected.data)
    assert packing.sizes == expected.batch_sizes.tolist()
    assert [len(step) for step in packing.split(packing.pack(batch))] == packing.sizes


@given(lengths=all_lengths, extra=st.integers(0, 3))
@few
def test_what_is_unpacked_was_packed_and_padding_becomes_zero(lengths, extra):
    batch = padded(lengths, extra)
    packing = Packing.of(torch.tensor(lengths), batch.shape[1])
    padding = torch.arange(batch.shape[1]) >= torch.tensor(lengths).unsqueeze(1)
    assert torch.equal(packing.unpack(packing.pack(batch)), batch.masked_fill(padding.unsqueeze(-1), 0))


@given(lengths=all_lengths, extra=st.integers(0, 3))
@few
def test_positions_are_those_of_predecessors_last_elements_and_sequences(lengths, extra):
    batch = padded(lengths, extra)
    packing = Packing.of(torch.tensor(lengths), batch.shape[1])
    elements = packing.pack(batch).flatten()
    assert torch.equal(elements[packing.previous], elements[packing.batch :] - 1)
    last = torch.stack([batch[i, length - 1, 0] for i, length in enumerate(lengths)])
    assert torch.equal(elements[packing.last], last[packing.order])
    assert torch.equal(elements[: packing.batch], batch[packing.order, 0, 0])
    expected = torch.stack([batch[i, :length].sum() for i, length in enumerate(lengths)])
    assert torch.equal(packing.total(elements), expected)


@pytest.mark.parametrize("lengths", [[0, 2], [2, 4]])
def test_lengths_out_of_range_are_refused(lengths):
    message = rf"from 1 to 3, not from {lengths[0]} to {lengths[1]}"
    with pytest.raises(ValueError, match=message):
        Packing.of(torch.tensor(lengths), 3)
