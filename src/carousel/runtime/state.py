"""What a model knows of a text so far, and its bytes."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carousel.errors import UserError
from carousel.runtime.model_file import Description

_HEAD = struct.Struct("<32sII")  # the graph's SHA-256; how many ids and logits follow; then the states' numbers

Floats = npt.NDArray[np.float32]


class StateError(UserError):
    """Bytes that are no state of a model."""


@dataclass(frozen=True, eq=False)
class State:
    """What a step model knows of a text so far; it never changes.

    Attributes:
        ids: of the tokens that were read.
        logits: after the last of them; none before the first.
        numbers: the graph's state, (size,).
    """

    ids: npt.NDArray[np.int32]
    logits: Floats
    numbers: Floats

    @classmethod
    def initial(cls, description: Description) -> "State":
        """Return the state before the first token."""
        sizes, values = zip(*description.states, strict=True)
        return cls(np.zeros(0, np.int32), np.zeros(0, np.float32), np.repeat(np.array(values, np.float32), sizes))

    def save(self, description: Description) -> bytes:
        """Return the state as bytes, which `load` reads for the same model alone."""
        head = _HEAD.pack(bytes.fromhex(description.graph), len(self.ids), len(self.logits))
        parts = (self.ids.astype("<i4"), self.logits.astype("<f4"), self.numbers.astype("<f4"))
        return head + b"".join(part.tobytes() for part in parts)

    @classmethod
    def load(cls, content: bytes, description: Description) -> "State":
        """Read what `save` wrote.

        Raises:
            StateError: when it is no state, or another model's.
        """
        if len(content) < _HEAD.size:
            raise StateError("a state that was cut short")
        digest, ids, logits = _HEAD.unpack_from(content)
        size = sum(size for size, _ in description.states)
        if digest.hex() != description.graph:
            raise StateError(f"a state of another model: of graph {digest.hex()}, not {description.graph}")
        if len(content) != _HEAD.size + 4 * (ids + logits + size):
            raise StateError("a state that was cut short")
        numbers = np.frombuffer(content, "<f4", logits + size, _HEAD.size + 4 * ids).astype(np.float32)
        first = np.frombuffer(content, "<i4", ids, _HEAD.size).astype(np.int32)
        return cls(first, numbers[:logits], numbers[logits:])
