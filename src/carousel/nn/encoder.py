"""What every encoder gives to a classifier, whatever it is made of."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn


class Encoding(Protocol):
    """What an encoder makes of a batch: the part of it that poolings use."""

    @property
    def outputs(self) -> Tensor:
        """(B, T, C), zero at padding."""

    @property
    def final(self) -> Tensor:
        """What the encoder knows when it has read a document, (B, C)."""


class Outputs(NamedTuple):
    """An `Encoding`, plainly."""

    outputs: Tensor
    final: Tensor


Embed = Callable[[int, int], Tensor]  # the word vectors (1, last - first, F) of a document's words first to last


class Encoder(nn.Module):
    """Makes outputs (B, T, C) of word vectors (B, T, F). An output at padding is zero, and no other depends on it.

    Attributes:
        output_size: C.
        reach: how many words to either side an output depends on; None is all of them.
    """

    output_size: int
    reach: int | None = None

    def forward(self, inputs: Tensor, lengths: Tensor) -> Encoding:
        """Encode a batch.

        Args:
            inputs: (B, T, F).
            lengths: (B,), each from 1 to T.
        """
        raise NotImplementedError

    def final(self, _first: Tensor, last: Tensor) -> Tensor:
        """Return what the encoder knows when it has read a document, of its outputs (B, C) at both ends."""
        return last

    def pieces(self, embed: Embed, length: int, limit: int) -> Iterator[Tensor]:
        """Yield one document's outputs (1, S, C) in order, S up to `limit`, never computing many more at a time.

        An encoder whose outputs depend on all words gives all at once.
        """
        if self.reach is None:
            yield self(embed(0, length), torch.tensor([length])).outputs
            return
        for first in range(0, length, limit):
            last = min(first + limit, length)
            low, high = max(first - self.reach, 0), min(last + self.reach, length)
            outputs = self(embed(low, high), torch.tensor([high - low])).outputs
            yield outputs[:, first - low : last - low]


def padding(inputs: Tensor, lengths: Tensor) -> Tensor:
    """Return which time steps (B, T, 1) of inputs (B, T, F) are padding."""
    return (torch.arange(inputs.shape[1], device=inputs.device) >= lengths.unsqueeze(1)).unsqueeze(-1)


def at(sequence: Tensor, steps: Tensor) -> Tensor:
    """Return one time step (B,) of each document of `sequence` (B, T, C): (B, C)."""
    return sequence.gather(1, steps.view(-1, 1, 1).expand(-1, 1, sequence.shape[2])).squeeze(1)
