"""Length-bucketed batches whose order is a function of (seed, epoch) alone."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from carousel.corpus.dataset import Dataset
from carousel.text.batch import by_length, fill

Batch = TypeVar("Batch")


class BucketSampler:
    """Batches of documents of near length, each within a budget of padded tokens.

    Args:
        lengths: tokens of each document, shape (documents,).
        batch_tokens: the most tokens of a padded batch; a longer document is a batch of its own.
        seed: with the epoch, decides which near-length documents meet and in what order batches come.
        shuffle: false for evaluation: shortest first.
    """

    def __init__(self, lengths: npt.NDArray[np.int64], batch_tokens: int, *, seed: int, shuffle: bool) -> None:
        self.lengths = lengths
        self.batch_tokens = batch_tokens
        self.seed = seed
        self.shuffle = shuffle
        self.epoch = 0
        # Documents whose lengths differ by less than a tenth are a group: any of them may meet in a batch
        self._group = np.floor(np.log(lengths) / np.log(1.1)).astype(np.int64)
        longest = np.zeros(self._group.max(initial=0) + 1, dtype=np.int64)
        np.maximum.at(longest, self._group, lengths)
        self._longest = longest[self._group]
        self._count = len(self.batches())

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def batches(self) -> list[npt.NDArray[np.int64]]:
        """Return the epoch's batches of document indices."""
        if not self.shuffle:
            return by_length(self.lengths, self.batch_tokens)
        random = np.random.default_rng((self.seed, self.epoch))
        # Sorting by group leaves lengths in the same order whatever the draw, so that every epoch has as many
        # batches, of the same sizes: Lightning and the schedule count on it
        order = np.lexsort((random.random(len(self._group)), self._group))
        batches = fill(order, self._longest, self.batch_tokens)
        # Longest first within a batch: neighbours that are read together then need little padding
        return [
            batches[i][np.argsort(-self.lengths[batches[i]], kind="stable")]
            for i in random.permutation(len(batches))
        ]

    def __len__(self) -> int:
        return self._count


class Batches(Generic[Batch]):
    """Batches of one split, an epoch at a time, from any position in it.

    Args:
        data: the split.
        collate: makes a batch of the examples with these indices.
        batch_tokens: as for `BucketSampler`, and so are the next two.
        seed: of the order.
        shuffle: false for evaluation.
    """

    def __init__(
        self,
        data: Dataset,
        collate: Callable[[npt.NDArray[np.int64]], Batch],
        batch_tokens: int,
        *,
        seed: int = 0,
        shuffle: bool = False,
    ) -> None:
        self.data = data
        self.collate = collate
        self.buckets = BucketSampler(data.lengths, batch_tokens, seed=seed, shuffle=shuffle)
        self._read = 0
        self._begin = 0

    def __len__(self) -> int:
        return len(self.buckets)

    def __iter__(self) -> Iterator[Batch]:
        self._read, self._begin = self._begin, 0
        for documents in self.buckets.batches()[self._read :]:
            self._read += 1
            yield self.collate(documents)

    def names(self, index: int) -> list[str]:
        """Return the names of the examples of the epoch's batch with that index."""
        return [self.data.names[i] for i in self.buckets.batches()[index]]

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.buckets.set_epoch(epoch)

    def state_dict(self) -> dict[str, int]:
        """Return the place in the data, which Lightning puts into its checkpoints."""
        return {"epoch": self.buckets.epoch, "read": self._read}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next iteration at a place that `state_dict` returned."""
        self.buckets.set_epoch(state["epoch"])
        self._begin = state["read"]
