"""A model's weights in a graph, as they are or in eight bits.

Rows of a table are quantized one by one, symmetrically: a row of int8 and its scale, so that a rare word's small
vector is as exact as a frequent one's. Lookups multiply after the gather, so a table takes a quarter of the memory,
too. A matrix that is only stored in eight bits is multiplied once, when the model is loaded.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from carousel.export.graph import MICROSOFT, Array, Graph, Value

LARGEST = 127
SMALL = 4096  # elements; a smaller matrix stays as it is


def numpy(tensor: Tensor) -> Array:
    """Return a tensor's elements."""
    found: Array = tensor.detach().cpu().numpy()
    return found


def by_rows(matrix: Array) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return a matrix (rows, columns) as int8 and each row's scale (rows,)."""
    scale = np.abs(matrix).max(axis=1, initial=0.0) / LARGEST
    scale[scale == 0] = 1.0
    return np.rint(matrix / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def by_columns(matrix: Array) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return a matrix (rows, columns) as int8 and each column's scale (columns,)."""
    quantized, scale = by_rows(matrix.T)
    return np.ascontiguousarray(quantized.T), scale


@dataclass(frozen=True)
class Weights:
    """How a graph stores weights.

    Attributes:
        graph: that is written.
        int8: whether large matrices and tables have eight bits.
    """

    graph: Graph
    int8: bool

    def rows(self, table: Array, indices: Value) -> Value:
        """Return rows of a table (rows, columns), (*, columns)."""
        if not self.int8 or table.size < SMALL:
            return self.graph.constant(table.astype(np.float32)).take(indices)
        quantized, scale = by_rows(table)
        found = self.graph.constant(quantized).take(indices).cast(np.float32)
        return found * self.graph.constant(scale[:, None]).take(indices)

    def matrix(self, matrix: Array) -> Value:
        """Return a matrix of any rank; in eight bits it is quantized by its first axis."""
        if not self.int8 or matrix.size < SMALL:
            return self.graph.constant(matrix.astype(np.float32))
        flat, scale = by_rows(matrix.reshape(len(matrix), -1))
        scales = self.graph.constant(scale.reshape(-1, *[1] * (matrix.ndim - 1)))
        return self.graph.constant(flat.reshape(matrix.shape)).cast(np.float32) * scales

    def linear(self, inputs: Value, weight: Tensor, bias: Tensor | None = None) -> Value:
        """Return inputs (*, F) times weight (C, F) transposed, plus bias (C,)."""
        matrix = numpy(weight)
        if not self.int8 or matrix.size < SMALL:
            result = inputs @ self.graph.constant(matrix.T.astype(np.float32))
            return result if bias is None else result + numpy(bias)
        quantized, scale = by_rows(matrix)
        arguments: list[Any] = [inputs, quantized.T, scale, np.zeros(len(scale), np.int8)]
        if bias is not None:
            arguments.append(numpy(bias).astype(np.float32))
        values = [one if isinstance(one, Value) else self.graph.constant(one) for one in arguments]
        return self.graph.op("DynamicQuantizeMatMul", *values, domain=MICROSOFT)
