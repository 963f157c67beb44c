"""Length-bucketed batches whose order is a function of (seed, epoch) alone."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from carousel.corpus.encoded import Encoded
from carousel.nn.batch import by_length, fill, pad
from carousel.tasks.classification import Batch


class BucketSampler(Sampler[list[int]]):
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
        return [batches[i] for i in random.permutation(len(batches))]

    def __iter__(self) -> Iterator[list[int]]:
        return iter(batch.tolist() for batch in self.batches())

    def __len__(self) -> int:
        return len(self.batches())


class Documents(Dataset[tuple[npt.NDArray[np.int32], int]]):
    """Encoded documents, by index."""

    def __init__(self, encoded: Encoded) -> None:
        self.encoded = encoded

    def __len__(self) -> int:
        return len(self.encoded)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.int32], int]:
        return self.encoded.document(index), int(self.encoded.targets[index])


class Batches(DataLoader[tuple[npt.NDArray[np.int32], int]]):
    """A data loader over one split that re-orders itself when Lightning begins an epoch."""

    def __init__(self, encoded: Encoded, batch_tokens: int, *, seed: int = 0, shuffle: bool = False) -> None:
        bucketed = BucketSampler(encoded.lengths, batch_tokens, seed=seed, shuffle=shuffle)
        super().__init__(Documents(encoded), batch_sampler=bucketed, collate_fn=_collate)


def _collate(documents: list[tuple[npt.NDArray[np.int32], int]]) -> Batch:
    ids, lengths = pad([document for document, _ in documents])
    return ids, lengths, torch.tensor([target for _, target in documents])
