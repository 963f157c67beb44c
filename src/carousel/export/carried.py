"""A unidirectional recurrent model whose graph reads on from a state, that of its cells and of its pooling."""

import numpy as np
from torch import nn

from carousel.errors import UserError
from carousel.export import pooling, recurrent
from carousel.export.graph import Value
from carousel.export.weights import Weights, numpy
from carousel.nn.cells.scanned import QRNN
from carousel.nn.classifier import TextClassifier
from carousel.nn.pooling import Last, Max, Mean, Pooling, SideBySide
from carousel.nn.reading import Chunked
from carousel.nn.recurrent import RecurrentEncoder


def check(network: TextClassifier, truncation: str) -> None:
    """Raise a UserError when a model has no state that could be carried on."""
    encoder = network.encoder
    reason = None
    if not isinstance(encoder, RecurrentEncoder):
        reason = f"its encoder is {network.config.encoder.name}, and only a recurrent one has a state"
    elif encoder.output_size != encoder.hidden_size:
        reason = "it reads in both directions, and the backward one begins at a text's end (model.bidirectional)"
    elif isinstance(network.reading, Chunked):
        reason = "it reads in chunks, each on its own (model.reading)"
    elif truncation == "head_tail":
        reason = "it reads a long text's beginning and end, which is not known in advance (encode.truncation)"
    if reason is not None:
        raise UserError(f"--step: the model cannot be exported step by step: {reason}")


def step(weights: Weights, network: TextClassifier, ids: Value, lengths: Value) -> Value:
    """Return what is pooled (B, widths * H) of documents so far, of their next ids (B, T) and lengths (B,)."""
    graph, encoder = weights.graph, network.encoder
    assert isinstance(encoder, RecurrentEncoder)
    size = encoder.hidden_size
    outputs = weights.rows(numpy(network.embedding.weight), ids).transpose(1, 0, 2)
    after: list[Value] = []
    for layer in encoder.layers:
        cells = list(layer.children())
        before = tuple(graph.state(width, 0.0) for width in _states(cells[0]))
        read = recurrent.layer(weights, cells, outputs, lengths, before)
        outputs = read.outputs
        after += read.after[0]
    outputs = outputs.transpose(1, 0, 2)
    final = recurrent.at(read.outputs, lengths - 1)
    seen = graph.state(1, 0.0)
    total = seen + lengths.cast(np.float32).unsqueeze(1)
    earlier = [graph.state(size * wide or 1, initial) for wide, initial in _parts(network.pooling)]
    parts = pooling.merged(network.pooling, earlier, pooling.part(weights, network.pooling, outputs, lengths))
    graph.next_states([*after, total, *parts])
    return pooling.finished(network.pooling, parts, final, total.squeeze(1))


def _states(cell: nn.Module) -> tuple[int, ...]:
    """Return the widths of a cell's states."""
    size = int(cell.hidden_size)  # type: ignore[arg-type]
    if isinstance(cell, nn.LSTM):
        return size, size
    return (size, cell.weight_ih.shape[1] // 2) if isinstance(cell, QRNN) else (size,)


def _parts(kind: Pooling) -> list[tuple[int, float]]:
    """Return of each part, whether it is as wide as an output (1) or one number (0), and how it begins."""
    if isinstance(kind, SideBySide):
        return [part for each in kind.each for part in _parts(each)]  # type: ignore[arg-type]
    if isinstance(kind, Last):
        return []
    if isinstance(kind, Mean):
        return [(1, 0.0)]
    if isinstance(kind, Max):
        return [(1, pooling.LOWEST)]
    return [(0, pooling.LOWEST), (0, 0.0), (1, 0.0)]
