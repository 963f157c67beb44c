"""Documents of different lengths, as one padded batch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from carousel.text.vocabulary import PADDING_ID


def pad(documents: Sequence[npt.ArrayLike]) -> tuple[Tensor, Tensor]:
    """Return ids (B, T), padded to the longest document, and lengths (B,), both int64."""
    lengths = np.array([len(document) for document in documents], dtype=np.int64)  # type: ignore[arg-type]
    ids = np.full((len(documents), int(lengths.max())), PADDING_ID, dtype=np.int64)
    for row, document in enumerate(documents):
        ids[row, : lengths[row]] = document
    return torch.from_numpy(ids), torch.from_numpy(lengths)


def by_length(lengths: npt.NDArray[np.int64], batch_tokens: int) -> list[npt.NDArray[np.int64]]:
    """Group document indices, shortest first, so that each padded group stays within `batch_tokens`."""
    return fill(np.argsort(lengths, kind="stable"), lengths, batch_tokens)


def fill(
    order: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], batch_tokens: int
) -> list[npt.NDArray[np.int64]]:
    """Cut `order` into groups whose padded size (documents times longest) is at most `batch_tokens`.

    A document that is longer than that is a group of its own.
    """
    groups, start, longest = [], 0, 0
    for end, length in enumerate(lengths[order]):
        longest = max(longest, int(length))
        if end > start and (end + 1 - start) * longest > batch_tokens:
            groups.append(order[start:end])
            start, longest = end, int(length)
    if len(order):
        groups.append(order[start:])
    return groups
