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


def step(weights: Weights, network: TextClassifier, ids: Value) -> Value:
    """Return what is pooled (B, widths * H) of documents so far, of their next ids (B, T), none of them padding."""
    graph, encoder, pool = weights.graph, network.encoder, network.pooling
    assert isinstance(encoder, RecurrentEncoder)
    cells = [list(layer.children()) for layer in encoder.layers]
    widths = [_states(own[0]) for own in cells]
    of_cells = [(width, 0.0) for each in widths for width in each]
    of_pooling = [(encoder.hidden_size if is_wide else 1, initial) for is_wide, initial in _parts(pool)]
    seen, *states = graph.read_states([(1, 0.0), *of_cells, *of_pooling])
    outputs = weights.rows(numpy(network.embedding.weight), ids.transpose(1, 0))  # (T, B, F)
    after: list[Value] = []
    for own, each in zip(cells, widths, strict=True):
        before, states = tuple(states[: len(each)]), states[len(each) :]
        read = recurrent.layer(weights, own, outputs, None, before)
        outputs = read.outputs
        after += read.after[0]
    total = seen + ids.size(1).cast(np.float32)
    parts = pooling.part(weights, pool, outputs, None, axis=0)
    if states:
        parts = pooling.merged(pool, states, parts)
    graph.write_states([total, *after, *parts])
    return pooling.finished(pool, parts, outputs.take(-1), total)


def _states(cell: nn.Module) -> tuple[int, ...]:
    """Return the widths of a cell's states."""
    size = int(cell.hidden_size)  # type: ignore[arg-type]
    if isinstance(cell, nn.LSTM):
        return size, size
    return (size, cell.weight_ih.shape[1] // 2) if isinstance(cell, QRNN) else (size,)


def _parts(kind: Pooling) -> list[tuple[bool, float]]:
    """Return of each part, whether it is as wide as an output or one number, and how it begins."""
    if isinstance(kind, SideBySide):
        return [part for each in kind.each for part in _parts(each)]  # type: ignore[arg-type]
    if isinstance(kind, Last):
        return []
    if isinstance(kind, Mean):
        return [(True, 0.0)]
    if isinstance(kind, Max):
        return [(True, pooling.LOWEST)]
    return [(False, pooling.LOWEST), (False, 0.0), (True, 0.0)]
