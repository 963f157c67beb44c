"""Documents of different lengths, grouped and padded as arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from carousel.text.vocabulary import PADDING_ID

Integers = npt.NDArray[np.int64]


def padded(documents: Sequence[npt.ArrayLike]) -> tuple[Integers, Integers]:
    """Return ids (B, T), padded to the longest document, and lengths (B,), both int64."""
    lengths = np.array([len(document) for document in documents], dtype=np.int64)  # type: ignore[arg-type]
    ids = np.full((len(documents), int(lengths.max())), PADDING_ID, dtype=np.int64)
    for row, document in enumerate(documents):
        ids[row, : lengths[row]] = document
    return ids, lengths


def by_length(lengths: Integers, batch_tokens: int) -> list[Integers]:
    """Group document indices, shortest first, so that each padded group stays within `batch_tokens`."""
    return fill(np.argsort(lengths, kind="stable"), lengths, batch_tokens)


def fill(order: Integers, lengths: Integers, batch_tokens: int) -> list[Integers]:
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
