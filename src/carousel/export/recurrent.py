"""Recurrent layers in a graph: one ONNX operator for both directions of a layer, or a scan of a linear recurrence.

Shapes are time-major, as the operators want them: T time steps, B documents, F features, H hidden units,
D directions. The operators know each document's length, so that nothing is reordered for the backward direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from torch import nn

from carousel.errors import UserError
from carousel.export.graph import MICROSOFT, Array, Value
from carousel.export.weights import Weights, by_rows, numpy
from carousel.nn.cells.reservoir import EchoState
from carousel.nn.cells.scanned import EPS, QRNN, MinGRU, MinLSTM

State = tuple[Value, ...]  # as the cell's own state, without its first dimension: (B, H) each


@dataclass(frozen=True)
class Read:
    """What a layer makes of its inputs.

    Attributes:
        outputs: (T, B, D * H), zero at padding.
        after: each direction's state after each document's last time step; a scan has it without lengths alone.
    """

    outputs: Value
    after: list[State]


def layer(
    weights: Weights, cells: Sequence[nn.Module], inputs: Value, lengths: Value | None, before: State | None = None
) -> Read:
    """Read documents with one layer.

    Args:
        weights: how they are stored.
        cells: of each direction; the second reads from the end.
        inputs: (T, B, F).
        lengths: (B,); None: nothing is padding, and one direction reads.
        before: the forward direction's state that it begins with; None is a document's beginning.
    """
    kind = type(cells[0])
    if issubclass(kind, nn.LSTM | nn.GRU | nn.RNN | EchoState):
        return _operator(weights, cells, inputs, lengths, before)
    if issubclass(kind, MinGRU | MinLSTM | QRNN):
        reads = [_scanned(weights, cells[0], inputs, lengths, before)]
        if lengths is not None:
            reads += [backward(weights, cell, inputs, lengths) for cell in cells[1:]]
        return Read(
            weights.graph.join([one.outputs for one in reads], 2), [state for one in reads for state in one.after]
        )
    raise UserError(f"{kind.__name__}: a cell that has no ONNX operator: it cannot be exported")


def backward(weights: Weights, cell: nn.Module, inputs: Value, lengths: Value) -> Read:
    """Read documents with one cell from their ends."""
    read = layer(weights, [cell], _reversed(inputs, lengths), lengths)
    return Read(_reversed(read.outputs, lengths), read.after)


def _reversed(inputs: Value, lengths: Value) -> Value:
    return inputs.graph.op("ReverseSequence", inputs, lengths, batch_axis=1, time_axis=0)


# Cells that ONNX has an operator for. Each takes torch's blocks of gates in the order that its operator wants
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}


def _operator(
    weights: Weights, cells: Sequence[nn.Module], inputs: Value, lengths: Value | None, before: State | None
) -> Read:
    graph = weights.graph
    kind = next((name for name in ("LSTM", "GRU") if isinstance(cells[0], getattr(nn, name))), "RNN")
    size = int(cells[0].hidden_size)  # type: ignore[arg-type]
    count = 2 if kind == "LSTM" else 1
    matrices = [np.stack(each) for each in zip(*(_blocks(cell, _GATES[kind]) for cell in cells), strict=True)]
    states: list[Value | None] = [None] * 2
    if before is not None:
        states = [state.unsqueeze(0) for state in before] + [None] * (2 - count)
    sizes = None if lengths is None else lengths.cast(np.int32)
    direction = "bidirectional" if len(cells) > 1 else "forward"
    shape: dict[str, Any] = {"hidden_size": size, "direction": direction}
    *matrices, bias = matrices
    biases = graph.constant(bias.astype(np.float32))
    # At one time step, the quantized operator takes twice as long as the other
    if kind == "LSTM" and weights.int8 and before is None:
        stored = [part for matrix in matrices for part in _eight_bits(matrix)]
        (w, w_scale, w_zero), (r, r_scale, r_zero) = [
            [graph.constant(part) for part in stored[first : first + 3]] for first in (0, 3)
        ]
        arguments = [inputs, w, r, biases, sizes, *states, None, w_scale, w_zero, r_scale, r_zero]
        found = graph.ops("DynamicQuantizeLSTM", *arguments, outputs=3, domain=MICROSOFT, **shape)
    else:
        w, r = (_stored(weights, matrix) for matrix in matrices)
        if kind == "GRU":
            shape["linear_before_reset"] = 1
        elif kind == "RNN":
            shape["activations"] = [_activation(cells[0])] * len(cells)
        found = graph.ops(kind, inputs, w, r, biases, sizes, *states[:count], outputs=1 + count, **shape)
    # (T, D, B, H)
    if len(cells) == 1:
        outputs = found[0].squeeze(1)
    else:
        outputs = found[0].transpose(0, 2, 1, 3).reshape(0, 0, size * len(cells))
    after = [tuple(state.take(direction) for state in found[1:]) for direction in range(len(cells))]
    return Read(outputs, after)


def _activation(cell: nn.Module) -> str:
    return "Relu" if getattr(cell, "nonlinearity", "tanh") == "relu" else "Tanh"


def _blocks(cell: nn.Module, order: Sequence[int]) -> tuple[Array, Array, Array]:
    """Return a cell's matrices (gates * H, F) and (gates * H, H), and both biases, in the operator's order."""
    if isinstance(cell, EchoState):
        w, r = numpy(cell.weight_ih), numpy(cell.weight_hh)
        return w, r, np.zeros(2 * len(w), w.dtype)
    parts = [numpy(getattr(cell, f"{name}_l0")) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    w, r, *both = [np.concatenate([np.split(part, len(order))[gate] for gate in order]) for part in parts]
    return w, r, np.concatenate(both)


def _eight_bits(matrix: Array) -> tuple[Array, Array, Array]:
    """Return (D, F, gates * H) int8 of a matrix (D, gates * H, F), the scale of each column, and zeros."""
    quantized, scale = by_rows(matrix.reshape(-1, matrix.shape[-1]))
    scale = scale.reshape(matrix.shape[:2])
    return quantized.reshape(matrix.shape).transpose(0, 2, 1), scale, np.zeros(scale.shape, np.int8)


def _stored(weights: Weights, matrix: Array) -> Value:
    flat = weights.matrix(matrix.reshape(-1, matrix.shape[-1]))
    return flat.reshape(*matrix.shape) if weights.int8 else weights.graph.constant(matrix.astype(np.float32))


def _scanned(weights: Weights, cell: nn.Module, inputs: Value, lengths: Value | None, before: State | None) -> Read:
    """Read documents with a cell whose gates see its inputs alone."""
    graph, size = weights.graph, int(cell.hidden_size)  # type: ignore[arg-type]
    batch = inputs.size(1)
    h = before[0] if before is not None else graph.zeros(batch, size)
    taken, gate = inputs, None
    if isinstance(cell, QRNN):
        x = before[1] if before is not None else graph.zeros(batch, numpy(cell.weight_ih).shape[1] // 2)
        taken = graph.join([graph.join([x.unsqueeze(0), inputs.part(None, -1, 0)], 0), inputs], 2)
    projected = weights.linear(taken, cell.weight_ih, cell.bias_ih)  # type: ignore[arg-type]
    gates = [projected.part(size * one, size * (one + 1), 2) for one in range(cell.gates)]  # type: ignore[arg-type]
    if isinstance(cell, MinGRU):
        z = gates[0].unary("Sigmoid")
        decay, drive = 1.0 - z, z * gates[1]
    elif isinstance(cell, MinLSTM):
        f, i = (one.unary("Sigmoid") + EPS for one in gates[:2])
        decay = f / (f + i)
        drive = (1.0 - decay) * gates[2]
    else:
        decay = gates[1].unary("Sigmoid")
        drive = (1.0 - decay) * gates[0].unary("Tanh")
        gate = gates[2].unary("Sigmoid")
    states = _recurrence(decay, drive, h)  # (T, B, H)
    outputs = states if gate is None else gate * states
    if lengths is None:
        after: State = (states.take(-1), inputs.take(-1))
        return Read(outputs, [after[: 1 + isinstance(cell, QRNN)]])
    outside = (graph.count(inputs.size(0)).unsqueeze(1) < lengths.unsqueeze(0)).cast(np.float32).unsqueeze(2)
    return Read(outputs * outside, [])


def _recurrence(decay: Value, drive: Value, initial: Value) -> Value:
    """Return all states (T, B, H) of h = decay ⊙ h + drive."""
    names = ("h", "a", "b")
    shape: list[Any] = [None, None]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("after", "output")]
    nodes = [
        helper.make_node("Mul", ["a", "h"], ["kept"]),
        helper.make_node("Add", ["kept", "b"], ["after"]),
        helper.make_node("Identity", ["after"], ["output"]),
    ]
    body: onnx.GraphProto = helper.make_graph(nodes, "step", values, ends)
    return initial.graph.ops("Scan", initial, decay, drive, outputs=2, body=body, num_scan_inputs=2)[1]
