"""ONNX graphs, written as expressions: a `Value` is a tensor of the graph, and its operators add nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = {"": 18, "ai.onnx.ml": 4, "com.microsoft": 1, "ai.onnx.contrib": 1}
IR_VERSION = 10
ML, MICROSOFT = "ai.onnx.ml", "com.microsoft"

Array = npt.NDArray[Any]
Operand = "Value | Array | float | int | Sequence[int]"


@dataclass(frozen=True)
class Value:
    """A tensor of a graph.

    Attributes:
        graph: that it is of.
        name: in the graph.
        dtype: of its elements.
    """

    graph: "Graph"
    name: str
    dtype: np.dtype[Any]

    def __add__(self, other: Any) -> "Value":
        return self.graph.op("Add", self, self._like(other))

    def __sub__(self, other: Any) -> "Value":
        return self.graph.op("Sub", self, self._like(other))

    def __rsub__(self, other: Any) -> "Value":
        return self.graph.op("Sub", self._like(other), self)

    def __mul__(self, other: Any) -> "Value":
        return self.graph.op("Mul", self, self._like(other))

    def __truediv__(self, other: Any) -> "Value":
        return self.graph.op("Div", self, self._like(other))

    def __rtruediv__(self, other: Any) -> "Value":
        return self.graph.op("Div", self._like(other), self)

    def __floordiv__(self, other: Any) -> "Value":
        """The quotient of integers from 0."""
        return self.graph.op("Div", self, self._like(other))

    def __matmul__(self, other: Any) -> "Value":
        return self.graph.op("MatMul", self, self._like(other))

    def __lt__(self, other: Any) -> "Value":
        return self.graph.op("Less", self, self._like(other), dtype=bool)

    def __ge__(self, other: Any) -> "Value":
        return self.graph.op("GreaterOrEqual", self, self._like(other), dtype=bool)

    def equal(self, other: Any) -> "Value":
        """Return where both are equal."""
        return self.graph.op("Equal", self, self._like(other), dtype=bool)

    def minimum(self, other: Any) -> "Value":
        """Return the smaller of both."""
        return self.graph.op("Min", self, self._like(other))

    def maximum(self, other: Any) -> "Value":
        """Return the larger of both."""
        return self.graph.op("Max", self, self._like(other))

    def cast(self, dtype: Any) -> "Value":
        """Return it with elements of another type."""
        to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self if self.dtype == np.dtype(dtype) else self.graph.op("Cast", self, dtype=dtype, to=to)

    def take(self, indices: Any, axis: int = 0) -> "Value":
        """Return what is at indices of an axis; a plain number drops the axis."""
        return self.graph.op("Gather", self, self.graph.integers(indices), axis=axis)

    def part(self, first: int | None, last: int | None, axis: int) -> "Value":
        """Return a slice of an axis."""
        ends = [0 if first is None else first, 2**62 if last is None else last]
        return self.graph.op("Slice", self, *([self.graph.integers([end]) for end in (*ends, axis)]))

    def reshape(self, *shape: Any) -> "Value":
        """Return it in another shape, of numbers and integer values; 0 keeps a dimension, -1 is what remains."""
        return self.graph.op("Reshape", self, self.graph.shape(*shape))

    def transpose(self, *axes: int) -> "Value":
        """Return it with its axes in another order."""
        return self.graph.op("Transpose", self, perm=axes)

    def unsqueeze(self, axis: int) -> "Value":
        """Return it with a new axis of size 1."""
        return self.graph.op("Unsqueeze", self, self.graph.integers([axis]))

    def squeeze(self, axis: int) -> "Value":
        """Return it without an axis of size 1."""
        return self.graph.op("Squeeze", self, self.graph.integers([axis]))

    def size(self, axis: int) -> "Value":
        """Return the size of an axis, a scalar."""
        sizes = self.graph.op("Shape", self, dtype=np.int64, start=axis, end=axis + 1 or None)
        return sizes.squeeze(0)

    def sum(self, axis: int, *, keep: bool = False) -> "Value":
        """Return the sum over an axis."""
        return self.graph.op("ReduceSum", self, self.graph.integers([axis]), keepdims=int(keep))

    def largest(self, axis: int, *, keep: bool = False) -> "Value":
        """Return the maximum over an axis."""
        return self.graph.op("ReduceMax", self, self.graph.integers([axis]), keepdims=int(keep))

    def pad(self, before: int, after: Any, axis: int, rank: int) -> "Value":
        """Return it with so many zeros before and after an axis."""
        ends: list[Any] = [0] * (2 * rank)
        ends[axis], ends[rank + axis] = before, after
        return self.graph.op("Pad", self, self.graph.shape(*ends))

    def unary(self, kind: str) -> "Value":
        """Return an elementwise function of it, such as `Tanh`."""
        return self.graph.op(kind, self)

    def nonzero(self) -> "Value":
        """Return where a vector is not zero."""
        return self.graph.op("NonZero", self, dtype=np.int64).squeeze(0)

    def _like(self, other: Any) -> "Value":
        return other if isinstance(other, Value) else self.graph.constant(np.asarray(other, self.dtype))


class Graph:
    """A graph that is being written."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.states: list[tuple[int, float]] = []
        self._constants: dict[tuple[bytes, str, tuple[int, ...]], Value] = {}

    def input(self, name: str, dtype: Any, shape: Sequence[str | int]) -> Value:
        """Add an input; a named dimension has any size."""
        self.inputs.append(_info(name, dtype, shape))
        return Value(self, name, np.dtype(dtype))

    def read_states(self, states: "Sequence[tuple[int, float]]") -> "list[Value]":
        """Add an input `state` (documents, sum of sizes), and return its parts.

        Args:
            states: the size of each part and the value that it begins with.
        """
        self.states = list(states)
        sizes = [size for size, _ in states]
        state = self.input("state", np.float32, ("documents", sum(sizes)))
        return self.ops("Split", state, self.integers(sizes), outputs=len(sizes), axis=1)

    def write_states(self, values: "Sequence[Value]") -> None:
        """Add an output `next`, the next values of the parts of `state`."""
        self.output("next", self.join(values, 1), ("documents", sum(size for size, _ in self.states)))

    def output(self, name: str, value: Value, shape: Sequence[str | int]) -> None:
        """Make a value an output."""
        self.nodes.append(helper.make_node("Identity", [value.name], [name]))
        self.outputs.append(_info(name, value.dtype, shape))

    def constant(self, array: Array) -> Value:
        """Return a constant; equal ones are stored once."""
        array = np.ascontiguousarray(array).reshape(array.shape)
        key = (array.tobytes(), array.dtype.str, array.shape)
        if key not in self._constants:
            name = f"c{len(self.initializers)}"
            self.initializers.append(numpy_helper.from_array(array, name))
            self._constants[key] = Value(self, name, array.dtype)
        return self._constants[key]

    def strings(self, value: str | list[str]) -> Value:
        """Return a string, or strings, as a value."""
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(value, dtype=object), name))
        return Value(self, name, np.dtype(object))

    def integers(self, value: Any) -> Value:
        """Return integers as a value."""
        return value if isinstance(value, Value) else self.constant(np.asarray(value, np.int64))

    def shape(self, *sizes: Any) -> Value:
        """Return a shape of numbers and scalar values."""
        if not any(isinstance(size, Value) for size in sizes):
            return self.integers(list(sizes))
        return self.join([self.integers(size).reshape(1) for size in sizes], 0)

    def join(self, values: Sequence[Value], axis: int) -> Value:
        """Concatenate values."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=axis)

    def zeros(self, *shape: Any, dtype: Any = np.float32, value: float = 0) -> Value:
        """Return a tensor of one value in any shape."""
        filled = numpy_helper.from_array(np.array([value], dtype))
        return self.op("ConstantOfShape", self.shape(*shape), dtype=dtype, value=filled)

    def count(self, size: Value) -> Value:
        """Return the integers from 0 to size - 1."""
        return self.op("Range", self.integers(0), size, self.integers(1))

    def where(self, condition: Value, one: Value, other: Value) -> Value:
        """Return elements of one where a condition holds, else of the other."""
        return self.op("Where", condition, one, other, dtype=one.dtype)

    def op(
        self, kind: str, *inputs: "Value | None", dtype: Any = None, domain: str = "", **attributes: Any
    ) -> Value:
        """Add a node of one output; its type is the first input's unless another is given."""
        return self.ops(kind, *inputs, outputs=1, dtype=dtype, domain=domain, **attributes)[0]

    def ops(
        self,
        kind: str,
        *inputs: "Value | None",
        outputs: int,
        dtype: Any = None,
        domain: str = "",
        **attributes: Any,
    ) -> list[Value]:
        """Add a node of several outputs, all of one type; None is an input that is left out."""
        names = [
            f"v{len(self.nodes)}_{number}" if outputs > 1 else f"v{len(self.nodes)}" for number in range(outputs)
        ]
        given = {name: value for name, value in attributes.items() if value is not None}
        self.nodes.append(
            helper.make_node(kind, [one.name if one else "" for one in inputs], names, domain=domain, **given)
        )
        chosen = dtype if dtype is not None else next(one.dtype for one in inputs if one)
        return [Value(self, name, np.dtype(chosen)) for name in names]

    def model(self, name: str) -> onnx.ModelProto:
        """Return the finished model."""
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.initializers)
        used = {node.domain for node in self.nodes} | {""}
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSET.items() if domain in used]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="carousel")


def packed(array: Array, name: str) -> TensorProto:
    """Return integers as a tensor of variable-length numbers, in which small ones take fewer bytes."""
    return helper.make_tensor(name, TensorProto.INT64, array.shape, array.tolist())


def _info(name: str, dtype: Any, shape: Sequence[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), list(shape))
