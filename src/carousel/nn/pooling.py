"""From an encoder's outputs to one vector a document. A new pooling is a function and a line in `POOLINGS`.

Each takes the outputs (B, T, C), final states (B, C) and lengths (B,), and gives (B, C) or (B, k * C); a
padded time step never counts.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Pooling = Callable[[Tensor, Tensor, Tensor], Tensor]


def last_state(_outputs: Tensor, final: Tensor, _lengths: Tensor) -> Tensor:
    """The final state of each direction."""
    return final


def mean(outputs: Tensor, _final: Tensor, lengths: Tensor) -> Tensor:
    """The mean over a document's own time steps; the encoder's outputs are zero at padding."""
    return outputs.sum(1) / lengths.unsqueeze(1)


def maximum(outputs: Tensor, _final: Tensor, lengths: Tensor) -> Tensor:
    """The largest value of each feature over a document's own time steps."""
    steps = torch.arange(outputs.shape[1], device=outputs.device)
    outside = steps >= lengths.unsqueeze(1)  # (B, T)
    return outputs.masked_fill(outside.unsqueeze(-1), float("-inf")).amax(1)


def max_mean(outputs: Tensor, final: Tensor, lengths: Tensor) -> Tensor:
    """Maximum and mean, side by side: (B, 2 * C)."""
    return torch.cat([maximum(outputs, final, lengths), mean(outputs, final, lengths)], dim=-1)


# name in params.yaml: (function, widths of C that it gives)
POOLINGS: dict[str, tuple[Pooling, int]] = {
    "last": (last_state, 1),
    "mean": (mean, 1),
    "max": (maximum, 1),
    "max_mean": (max_mean, 2),
}
