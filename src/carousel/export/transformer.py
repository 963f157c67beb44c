"""The transformer encoder in a graph."""

import math

import numpy as np
from torch import nn

from carousel.export.graph import Value
from carousel.export.weights import Weights, numpy
from carousel.nn.transformer import Layer, TransformerEncoder

OUTSIDE = -1e9  # added to the score of a key at padding


def encode(weights: Weights, encoder: TransformerEncoder, inputs: Value, inside: Value) -> Value:
    """Return outputs (B, T, C) of inputs (B, T, F); `inside` (B, T, 1) is 0 at padding."""
    states = weights.linear(inputs * inside, encoder.project.weight, encoder.project.bias)
    states = states + _positions(inputs.size(1), encoder.output_size, states)
    outside = ((1.0 - inside) * OUTSIDE).transpose(0, 2, 1).unsqueeze(1)  # (B, 1, 1, T)
    for layer in encoder.layers:
        assert isinstance(layer, Layer)
        states = states + _attention(weights, layer, _normalized(layer.before_attention, states), outside)
        states = states + _feed_forward(weights, layer, _normalized(layer.before_feed_forward, states))
    return _normalized(encoder.normalize, states) * inside


def _positions(steps: Value, size: int, states: Value) -> Value:
    frequencies = np.exp(np.arange(0, size, 2, dtype=np.float32) * np.float32(-math.log(10_000.0) / size))
    angles = states.graph.count(steps).cast(np.float32).unsqueeze(1) * frequencies
    pairs = states.graph.join([angles.unary("Sin").unsqueeze(2), angles.unary("Cos").unsqueeze(2)], 2)
    return pairs.reshape(0, -1).part(None, size, 1)


def _normalized(layer: nn.LayerNorm, states: Value) -> Value:
    graph = states.graph
    scale, bias = (graph.constant(numpy(part)) for part in (layer.weight, layer.bias))
    return graph.op("LayerNormalization", states, scale, bias, axis=-1, epsilon=layer.eps)


def _attention(weights: Weights, layer: Layer, states: Value, outside: Value) -> Value:
    size = layer.join.in_features
    width = size // layer.heads
    projected = weights.linear(states, layer.project.weight, layer.project.bias)
    queries, keys, values = (
        projected.part(size * part, size * (part + 1), 2).reshape(0, 0, layer.heads, width).transpose(0, 2, 1, 3)
        for part in range(3)
    )  # (B, heads, T, d)
    scores = (queries @ keys.transpose(0, 1, 3, 2)) * (width**-0.5) + outside
    heads = states.graph.op("Softmax", scores, axis=-1) @ values
    return weights.linear(heads.transpose(0, 2, 1, 3).reshape(0, 0, size), layer.join.weight, layer.join.bias)


def _feed_forward(weights: Weights, layer: Layer, states: Value) -> Value:
    first, _, second = layer.feed_forward
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    return weights.linear(
        weights.linear(states, first.weight, first.bias).unary("Relu"), second.weight, second.bias
    )
