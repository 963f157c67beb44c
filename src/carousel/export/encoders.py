"""Encoders and readings in a graph: word vectors (B, T, F) to outputs (B, T, C) and what is known at the end."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from carousel.errors import UserError
from carousel.export import recurrent, transformer
from carousel.export.graph import Value
from carousel.export.weights import Weights, numpy
from carousel.nn.bag import Bag
from carousel.nn.convolutional import WIDTHS, ConvolutionalEncoder
from carousel.nn.encoder import Encoder
from carousel.nn.reading import Chunked, Full, Reading, Stateful
from carousel.nn.recurrent import RecurrentEncoder
from carousel.nn.transformer import TransformerEncoder


@dataclass(frozen=True)
class Encoded:
    """What an encoder makes of a batch.

    Attributes:
        outputs: (B, T, C), zero at padding.
        final: (B, C).
    """

    outputs: Value
    final: Value


def read(weights: Weights, reading: Reading, encoder: Encoder, inputs: Value, lengths: Value) -> Encoded:
    """Read documents as `nn.reading` says.

    Args:
        weights: how they are stored.
        reading: how a document is read.
        encoder: what reads.
        inputs: word vectors (B, T, F).
        lengths: (B,).
    """
    if isinstance(reading, Full):
        return _encode(weights, encoder, inputs, lengths)
    if isinstance(reading, Chunked):
        outputs = _chunked(weights, reading, encoder, inputs, lengths)
    elif isinstance(reading, Stateful) and isinstance(encoder, RecurrentEncoder):
        outputs = _stateful(weights, reading, encoder, inputs, lengths)
    else:
        raise UserError(f"{type(reading).__name__}: a reading that is not known here: it cannot be exported")
    return Encoded(outputs, _final(encoder, outputs, lengths))


def inside(inputs: Value, lengths: Value) -> Value:
    """Return 1 at documents' own time steps of inputs (B, T, F) and 0 at padding, (B, T, 1)."""
    steps = inputs.graph.count(inputs.size(1))
    return (steps.unsqueeze(0) < lengths.unsqueeze(1)).cast(np.float32).unsqueeze(2)


def at(sequence: Value, steps: Value) -> Value:
    """Return one time step (B,) of each document of a sequence (B, T, C): (B, C)."""
    return sequence.graph.op("GatherND", sequence, steps.unsqueeze(1), batch_dims=1)


def _encode(weights: Weights, encoder: Encoder, inputs: Value, lengths: Value) -> Encoded:
    if isinstance(encoder, RecurrentEncoder):
        outputs = inputs.transpose(1, 0, 2)
        read = recurrent.Read(outputs, [])
        for cells in encoder.layers:
            read = recurrent.layer(weights, list(cells.children()), read.outputs, lengths)
        # A cell's state may be another than its output
        outputs = read.outputs.transpose(1, 0, 2)
        return Encoded(outputs, _final(encoder, outputs, lengths))
    own = inside(inputs, lengths)
    if isinstance(encoder, ConvolutionalEncoder):
        words = (inputs * own).transpose(0, 2, 1)
        outputs = _convolved(weights, encoder, words).transpose(0, 2, 1) * own
    elif isinstance(encoder, TransformerEncoder):
        outputs = transformer.encode(weights, encoder, inputs, own)
    elif isinstance(encoder, Bag):
        outputs = inputs * own
    else:
        raise UserError(f"{type(encoder).__name__}: an encoder that is not known here: it cannot be exported")
    return Encoded(outputs, _final(encoder, outputs, lengths))


def _final(encoder: Encoder, outputs: Value, lengths: Value) -> Value:
    last = at(outputs, lengths - 1)
    if not isinstance(encoder, RecurrentEncoder) or encoder.output_size == encoder.hidden_size:
        return last
    size = encoder.hidden_size  # the forward direction ends at the last word, the backward one at the first
    return outputs.graph.join([last.part(None, size, 1), outputs.take(0, axis=1).part(size, None, 1)], 1)


def _convolved(weights: Weights, encoder: ConvolutionalEncoder, words: Value) -> Value:
    """Return the filters' outputs (B, C, T) on words (B, F, T)."""
    found = []
    for width, filters in zip(WIDTHS, encoder.filters, strict=True):
        assert isinstance(filters, nn.Conv1d)
        assert filters.bias is not None
        arguments = (weights.matrix(numpy(filters.weight)), weights.graph.constant(numpy(filters.bias)))
        # An even filter has one window more than there are words: the first
        padding = [width // 2 - (1 - width % 2), width // 2]
        found.append(weights.graph.op("Conv", words, *arguments, kernel_shape=[width], pads=padding))
    return weights.graph.join(found, 1).unary("Relu")


def _chunked(weights: Weights, reading: Chunked, encoder: Encoder, inputs: Value, lengths: Value) -> Value:
    """Read each chunk as a document: as many of each document as the longest has."""
    graph, chunk, stride = weights.graph, reading.chunk, reading.stride
    batch, steps = inputs.size(0), inputs.size(1)
    counts = ((lengths - chunk).maximum(0) + (stride - 1)) // stride + 1  # (B,)
    most = counts.largest(0)
    starts = graph.count(most) * stride  # (K,)
    places = (starts.unsqueeze(1) + np.arange(chunk)).minimum(steps - 1)  # (K, chunk)
    taken = inputs.take(places, axis=1).reshape(-1, chunk, inputs.size(2))  # (B * K, chunk, F)
    within = (lengths.unsqueeze(1) - starts.unsqueeze(0)).minimum(chunk).maximum(1).reshape(-1)
    found = _encode(weights, encoder, taken, within).outputs
    found = found.reshape(batch, -1, encoder.output_size)  # (B, K * chunk, C)
    # Of each word, the chunk that it counts in, and its place there
    words = graph.count(steps)
    own = ((words - reading.margin).maximum(0) // stride).unsqueeze(0).minimum((counts - 1).unsqueeze(1))  # (B, T)
    place = own * chunk + (words.unsqueeze(0) - own * stride).minimum(chunk - 1)
    outputs = graph.op("GatherND", found, place.unsqueeze(2), batch_dims=1)  # (B, T, C)
    return outputs * inside(inputs, lengths)


def _stateful(
    weights: Weights, reading: Stateful, encoder: RecurrentEncoder, inputs: Value, lengths: Value
) -> Value:
    """Read each layer's forward direction over whole documents, and its backward one segment by segment.

    The forward state goes on from segment to segment, which is to read without segments.
    """
    graph, chunk = weights.graph, reading.chunk
    batch, steps = inputs.size(0), inputs.size(1)
    count = (steps + (chunk - 1)) // chunk
    within = (
        (lengths.unsqueeze(1) - (graph.count(count) * chunk).unsqueeze(0)).minimum(chunk).maximum(1).reshape(-1)
    )
    outputs = inputs
    for cells in encoder.layers:
        forward, *others = cells.children()
        own = inside(outputs, lengths)
        found = [
            recurrent.layer(weights, [forward], outputs.transpose(1, 0, 2), lengths).outputs.transpose(1, 0, 2)
        ]
        for cell in others:
            segments = outputs.pad(0, count * chunk - steps, 1, 3)
            segments = segments.reshape(batch * count, chunk, outputs.size(2)).transpose(1, 0, 2)
            back = recurrent.backward(weights, cell, segments, within).outputs.transpose(1, 0, 2)
            back = back.reshape(batch, -1, encoder.hidden_size)
            found.append(graph.op("Slice", back, *map(graph.integers, ([0], steps.reshape(1), [1]))) * own)
        outputs = graph.join(found, 2)
    return outputs
