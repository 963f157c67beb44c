"""Documents of different lengths, as one padded batch of tensors."""

from collections.abc import Sequence

import numpy.typing as npt
import torch
from torch import Tensor

from carousel.text.batch import padded


def pad(documents: Sequence[npt.ArrayLike]) -> tuple[Tensor, Tensor]:
    """Return ids (B, T), padded to the longest document, and lengths (B,), both int64."""
    ids, lengths = padded(documents)
    return torch.from_numpy(ids), torch.from_numpy(lengths)
