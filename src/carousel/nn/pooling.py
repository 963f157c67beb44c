"""From an encoder's outputs to one vector a document. A new pooling is a class and a line in `POOLINGS`.

Each takes the outputs (B, T, C), final states (B, C) and lengths (B,), and gives (B, C) or (B, k * C); a
padded time step never counts.

Each is a reduction: the `part` of a piece of a document, two parts `merged`, and the result `finished`. So a
document of any length can be pooled piece by piece, to what pooling it at once gives.
"""

from typing import Any

import torch
from torch import Tensor, nn

Part = tuple[Any, ...]  # what a pooling keeps of a piece: tensors, or other poolings' parts


class Pooling(nn.Module):
    """What every pooling here gives.

    Args:
        size: C, the features of an output.
    """

    widths = 1  # of C, that the result has

    def __init__(self, size: int) -> None:
        super().__init__()

    def forward(self, outputs: Tensor, final: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, widths * C).

        Args:
            outputs: (B, T, C), zero at padding.
            final: (B, C).
            lengths: (B,).
        """
        return self.finished(self.part(outputs, lengths), final, lengths)

    def part(self, outputs: Tensor, lengths: Tensor) -> Part:
        """Return what has to be known of a piece of each document, given as in `forward`."""
        raise NotImplementedError

    def merged(self, one: Part, other: Part) -> Part:
        """Return the part of two pieces together."""
        raise NotImplementedError

    def finished(self, part: Part, final: Tensor, lengths: Tensor) -> Tensor:
        """Return the result (B, widths * C), of the part of whole documents; `lengths` are theirs."""
        raise NotImplementedError


class Last(Pooling):
    """The final state: of each direction of a recurrent encoder, of other encoders the output at the last word."""

    def part(self, _outputs: Tensor, _lengths: Tensor) -> Part:
        """Nothing."""
        return ()

    def merged(self, _one: Part, _other: Part) -> Part:
        """Nothing."""
        return ()

    def finished(self, _part: Part, final: Tensor, _lengths: Tensor) -> Tensor:
        """The final state."""
        return final


class Mean(Pooling):
    """The mean over a document's own time steps; the encoder's outputs are zero at padding."""

    def part(self, outputs: Tensor, _lengths: Tensor) -> Part:
        """The sum (B, C)."""
        return (outputs.sum(1),)

    def merged(self, one: Part, other: Part) -> Part:
        """The sum of both."""
        return (one[0] + other[0],)

    def finished(self, part: Part, _final: Tensor, lengths: Tensor) -> Tensor:
        """The mean."""
        total: Tensor = part[0]
        return total / lengths.unsqueeze(1)


class Max(Pooling):
    """The largest value of each feature over a document's own time steps."""

    def part(self, outputs: Tensor, lengths: Tensor) -> Part:
        """The largest values (B, C)."""
        outside = _outside(outputs, lengths).unsqueeze(-1)  # (B, T, 1)
        # Added to all features of a time step, which is faster than filling them
        return ((outputs + outputs.new_zeros(outside.shape).masked_fill(outside, float("-inf"))).amax(1),)

    def merged(self, one: Part, other: Part) -> Part:
        """The larger of both."""
        return (torch.maximum(one[0], other[0]),)

    def finished(self, part: Part, _final: Tensor, _lengths: Tensor) -> Tensor:
        """The largest values."""
        largest: Tensor = part[0]
        return largest


class Attention(Pooling):
    """The mean over a document's time steps, weighted by attention (Yang et al. 2016, equations 5 to 7).

    The additive score of Bahdanau et al. (2015), with a learned context vector u where they have a decoder's state.
    For outputs h_t (C,):

        s_t = u · tanh(W h_t + b)
        α_t = exp(s_t) / Σ_k exp(s_k)
        v = Σ_t α_t h_t
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.project = nn.Linear(size, size)
        self.context = nn.Parameter(torch.empty(size).uniform_(-(size**-0.5), size**-0.5))

    def scores(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """Return s (B, T), minus infinity at padding."""
        scores: Tensor = torch.tanh(self.project(outputs)) @ self.context
        return scores.float().masked_fill(_outside(outputs, lengths), float("-inf"))

    def weights(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """Return α (B, T): those of a document sum to 1, and are 0 at padding."""
        return self.scores(outputs, lengths).softmax(1)

    def part(self, outputs: Tensor, lengths: Tensor) -> Part:
        """The largest score (B, 1), and, relative to it, Σ exp(s) (B, 1) and Σ exp(s) h (B, C)."""
        scores = self.scores(outputs, lengths)
        largest = scores.amax(1, keepdim=True).detach()  # it cancels out
        weights = (scores - largest).exp()  # (B, T)
        return largest, weights.sum(1, keepdim=True), (weights.unsqueeze(-1) * outputs).sum(1)

    def merged(self, one: Part, other: Part) -> Part:
        """Both, relative to the larger score (Milakov & Gimelshein 2018, "Online normalizer", algorithm 3)."""
        largest = torch.maximum(one[0], other[0])
        a, b = (one[0] - largest).exp(), (other[0] - largest).exp()
        return largest, a * one[1] + b * other[1], a * one[2] + b * other[2]

    def finished(self, part: Part, _final: Tensor, _lengths: Tensor) -> Tensor:
        """The weighted mean."""
        _, weight, total = part
        mean: Tensor = total / weight
        return mean


class SideBySide(Pooling):
    """Several poolings' results, one after the other: (B, k * C)."""

    kinds: tuple[type[Pooling], ...]

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.each = nn.ModuleList(kind(size) for kind in self.kinds)

    def part(self, outputs: Tensor, lengths: Tensor) -> Part:
        """Each one's part."""
        return tuple(pooling.part(outputs, lengths) for pooling in self._each())

    def merged(self, one: Part, other: Part) -> Part:
        """Each one's."""
        return tuple(pooling.merged(a, b) for pooling, a, b in zip(self._each(), one, other, strict=True))

    def finished(self, part: Part, final: Tensor, lengths: Tensor) -> Tensor:
        """Each one's result."""
        pairs = zip(self._each(), part, strict=True)
        return torch.cat([pooling.finished(own, final, lengths) for pooling, own in pairs], dim=-1)

    def _each(self) -> list[Pooling]:
        return list(self.each)  # type: ignore[arg-type]


class MaxMean(SideBySide):
    """Maximum and mean, side by side."""

    kinds = (Max, Mean)
    widths = 2


class LastMaxMean(SideBySide):
    """Final state, maximum and mean, side by side (Howard & Ruder 2018, "concat pooling")."""

    kinds = (Last, Max, Mean)
    widths = 3


def _outside(outputs: Tensor, lengths: Tensor) -> Tensor:
    """Return which time steps (B, T) are padding."""
    return torch.arange(outputs.shape[1], device=outputs.device) >= lengths.unsqueeze(1)


POOLINGS: dict[str, type[Pooling]] = {
    "last": Last,
    "mean": Mean,
    "max": Max,
    "max_mean": MaxMean,
    "last_max_mean": LastMaxMean,
    "attention": Attention,
}
