"""A padded batch without its padding, time step by time step, in the order of a PackedSequence.

Shapes: B sequences, T time steps, N elements (the sum of the lengths).
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor


class Packing(NamedTuple):
    """Positions of a batch's elements: those of the first time step, then of the second, and so on.

    Within a time step the longest sequence comes first, so a sequence keeps its place from step to step, and those
    that have ended are missing at the end.

    Attributes:
        order: sequences by length, longest first, (B,).
        sequence: the sequence of each element, (N,).
        rows: each element's row in the flattened batch (B * T,), (N,).
        previous: the position of each element's predecessor, (N - B,); the first B elements have none.
        last: the position of each sequence's last element, longest sequence first, (B,).
        sizes: the number of elements of each time step.
        steps: T, with padding.
    """

    order: Tensor
    sequence: Tensor
    rows: Tensor
    previous: Tensor
    last: Tensor
    sizes: list[int]
    steps: int

    @classmethod
    def of(cls, lengths: Tensor, steps: int) -> Self:
        """Return the packing of a batch.

        Args:
            lengths: (B,), each from 1 to T.
            steps: T.

        Raises:
            ValueError: a length is not from 1 to T.
        """
        lengths, order = lengths.sort(descending=True, stable=True)
        longest, shortest = int(lengths[0]), int(lengths[-1])
        if shortest < 1 or longest > steps:
            raise ValueError(f"lengths must be from 1 to {steps}, not from {shortest} to {longest}")
        inside = torch.arange(longest, device=lengths.device).unsqueeze(1) < lengths  # (longest, B)
        step, place = inside.nonzero(as_tuple=True)  # (N,)
        sizes = inside.sum(1)  # (longest,)
        batch = len(lengths)
        positions = torch.arange(len(step), device=lengths.device)
        sequence = order[place]
        return cls(
            order=order,
            sequence=sequence,
            rows=sequence * steps + step,
            previous=positions[batch:] - sizes[step[batch:] - 1],
            last=(sizes.cumsum(0) - sizes)[lengths - 1] + positions[:batch],
            sizes=sizes.tolist(),
            steps=steps,
        )

    @property
    def batch(self) -> int:
        """B."""
        return self.sizes[0]

    def pack(self, padded: Tensor) -> Tensor:
        """Return the elements (N, *) of a batch (B, T, *); padding is not read, and its gradient is 0."""
        return padded.flatten(0, 1).index_select(0, self.rows)

    def unpack(self, packed: Tensor) -> Tensor:
        """Return the batch (B, T, *) of elements (N, *), 0 at padding."""
        padded = packed.new_zeros(self.batch * self.steps, *packed.shape[1:])
        return padded.index_copy(0, self.rows, packed).view(self.batch, self.steps, *packed.shape[1:])

    def split(self, packed: Tensor) -> tuple[Tensor, ...]:
        """Return the elements of each time step, as views of (N, *)."""
        return torch.split(packed, self.sizes)

    def total(self, packed: Tensor) -> Tensor:
        """Return the sum (B,) over each sequence's elements of (N,)."""
        return packed.new_zeros(self.batch).index_add(0, self.sequence, packed)
