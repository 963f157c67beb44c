"""Poolings in a graph, as reductions like those of `nn.pooling`: a part of each piece, merged, and finished."""

import numpy as np

from carousel.errors import UserError
from carousel.export.encoders import inside
from carousel.export.graph import Value
from carousel.export.weights import Weights, numpy
from carousel.nn.pooling import Attention, Last, Max, Mean, Pooling, SideBySide

LOWEST = float(np.finfo(np.float32).min)


def pool(weights: Weights, pooling: Pooling, outputs: Value, final: Value, lengths: Value) -> Value:
    """Return (B, widths * C) of outputs (B, T, C), final states (B, C) and lengths (B,)."""
    counts = lengths.cast(np.float32).unsqueeze(1)
    return finished(pooling, part(weights, pooling, outputs, lengths), final, counts)


def part(weights: Weights, pooling: Pooling, outputs: Value, lengths: Value | None, axis: int = 1) -> list[Value]:
    """Return what has to be known of a piece of each document.

    Args:
        weights: how they are stored.
        pooling: to be computed.
        outputs: (B, T, C).
        lengths: (B,); None: nothing is padding.
        axis: of time; 0 where outputs are (T, B, C), without lengths.
    """
    graph = outputs.graph
    if isinstance(pooling, SideBySide):
        return [value for one in _each(pooling) for value in part(weights, one, outputs, lengths, axis)]
    if isinstance(pooling, Last):
        return []
    if isinstance(pooling, Mean):
        return [outputs.sum(axis)]
    outside = None if lengths is None else (1.0 - inside(outputs, lengths)) * LOWEST  # (B, T, 1)
    if isinstance(pooling, Max):
        return [(outputs if outside is None else outputs + outside).largest(axis)]
    if isinstance(pooling, Attention):
        projected = weights.linear(outputs, pooling.project.weight, pooling.project.bias).unary("Tanh")
        scores = projected @ graph.constant(numpy(pooling.context)[:, None])  # (B, T, 1)
        if outside is not None:
            scores = scores + outside
        largest = scores.largest(axis, keep=True)
        shares = (scores - largest).unary("Exp")
        return [largest.squeeze(axis), shares.sum(axis), (shares * outputs).sum(axis)]
    raise UserError(f"{type(pooling).__name__}: a pooling that is not known here: it cannot be exported")


def merged(pooling: Pooling, one: list[Value], other: list[Value]) -> list[Value]:
    """Return the part of two pieces together."""
    if isinstance(pooling, SideBySide):
        found, first = [], 0
        for each in _each(pooling):
            last = first + parts(each)
            found += merged(each, one[first:last], other[first:last])
            first = last
        return found
    if isinstance(pooling, Mean):
        return [one[0] + other[0]]
    if isinstance(pooling, Max):
        return [one[0].maximum(other[0])]
    if isinstance(pooling, Attention):
        largest = one[0].maximum(other[0])
        a, b = (one[0] - largest).unary("Exp"), (other[0] - largest).unary("Exp")
        return [largest, a * one[1] + b * other[1], a * one[2] + b * other[2]]
    return []


def finished(pooling: Pooling, part: list[Value], final: Value, lengths: Value) -> Value:
    """Return the result (B, widths * C), of the part of whole documents; `lengths` (B, 1) are theirs."""
    if isinstance(pooling, SideBySide):
        found, first = [], 0
        for each in _each(pooling):
            last = first + parts(each)
            found.append(finished(each, part[first:last], final, lengths))
            first = last
        return final.graph.join(found, 1)
    if isinstance(pooling, Last):
        return final
    if isinstance(pooling, Mean):
        return part[0] / lengths
    if isinstance(pooling, Max):
        return part[0]
    return part[2] / part[1]


def parts(pooling: Pooling) -> int:
    """Return how many values a pooling keeps of a piece."""
    if isinstance(pooling, SideBySide):
        return sum(map(parts, _each(pooling)))
    return 3 if isinstance(pooling, Attention) else 0 if isinstance(pooling, Last) else 1


def _each(pooling: SideBySide) -> list[Pooling]:
    return list(pooling.each)  # type: ignore[arg-type]
