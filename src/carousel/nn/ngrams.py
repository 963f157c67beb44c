"""N-grams beside the network: what training documents with the same one had for labels, and what it is worth."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from typing_extensions import override

from carousel.nn.ngram_counts import NONE, NgramCounts
from carousel.text.vocabulary import PADDING_ID

PRIOR = 2.0  # α below, in documents: as strong as the two that Wang & Manning add


class Found(NamedTuple):
    """A document's distinct n-grams of one length.

    Attributes:
        rows: of the table, (B, G); `NgramTable.none` fills up.
        times: how often the document has each, (B, G); any number at `none`.
    """

    rows: Tensor
    times: Tensor


class NgramTable(nn.Module):
    """The n-grams of the training documents, found by binary search.

    Args:
        longest: tokens of the longest n-grams.
        rows: n-grams of the table (see `NgramCounts`).
        vocabulary_size: above every token id.
    """

    keys: Tensor  # ascending, (rows + 1,)

    def __init__(self, longest: int, rows: int, vocabulary_size: int) -> None:
        super().__init__()
        self.longest = longest
        self.none = rows  # the last row, which is no n-gram's
        self.vocabulary_size = vocabulary_size
        self.register_buffer("keys", torch.full((rows + 1,), NONE))

    def find(self, ids: Tensor) -> list[Found]:
        """Return the distinct n-grams of each length in documents (B, T)."""
        return [self._distinct(rows) for rows in self.rows(ids)]

    def rows(self, ids: Tensor) -> list[Tensor]:
        """Return the row of the n-gram of each length that starts at each token, (B, T) each, or `none`."""
        tokens = ids.shape[1]
        ids = nn.functional.pad(ids, (0, self.longest - 1), value=PADDING_ID)  # so that the last ones have room
        rows = [self.row(ids)]
        for length in range(2, self.longest + 1):
            rows.append(self.row((rows[-1][:, :-1] + 1) * self.vocabulary_size + ids[:, length - 1 :]))
        return [each[:, :tokens] for each in rows]

    def _distinct(self, rows: Tensor) -> Found:
        rows = rows.sort(dim=1).values
        again = nn.functional.pad(rows[:, 1:] == rows[:, :-1], (1, 0))
        number = (~again).long().cumsum(1) - 1  # equal rows share one
        times = torch.zeros_like(rows).scatter_add(1, number, torch.ones_like(rows)).gather(1, number)
        return Found(rows.masked_fill(again, self.none), times)

    def row(self, keys: Tensor) -> Tensor:
        """Return each key's row; `none` where the table has no such key."""
        row = torch.searchsorted(self.keys, keys)
        return torch.where(self.keys[row] == keys, row, self.none)

    def tokens(self, row: int) -> list[int]:
        """Return the token ids of a row's n-gram."""
        found, key = [], int(self.keys[row])
        while key >= self.vocabulary_size:
            before, last = divmod(key, self.vocabulary_size)
            found.append(last)
            key = int(self.keys[before - 1])
        return [key, *reversed(found)]

    def check(self) -> None:
        """Check keys that were loaded: a search would find other n-grams, or none, and `tokens` might not end.

        Raises:
            ValueError: when they are not those of `NgramCounts`.
        """
        keys = self.keys[:-1]
        if int(self.keys[-1]) != NONE:
            raise ValueError("the last key of n-grams is one of an n-gram")
        if not bool((self.keys[1:] > self.keys[:-1]).all()) or (len(keys) and int(keys[0]) < 0):
            raise ValueError("keys of n-grams are not in ascending order")
        if not bool((keys < (torch.arange(len(keys)) + 1) * self.vocabulary_size).all()):
            raise ValueError("the beginning of an n-gram does not come before it")

    @torch.no_grad()
    def begin(self, counts: NgramCounts) -> None:
        """Copy the n-grams of the documents that will be learned from."""
        self.keys.copy_(torch.from_numpy(counts.keys))


class Ngrams(NgramTable):
    """Logits from the n-grams of a document: naive Bayes by counting, each n-gram's weight by learning.

    N(g, c) of the training documents have n-gram g and label c, and N(g) have it at all. What g says of c is the
    log-ratio of c's frequency among them to its frequency p(c) among all documents:

        r(g, c) = log ((N(g, c) + α p(c)) / (N(g) + α)) - log p(c)

    An n-gram that is not in the table says 0. A document that has m_k distinct ones of k words gets the logits

        Σ_k s_k / √m_k Σ_g (1 + w_g) r(g, c)

    with learned s and w, as Wang & Manning (2012, "Baselines and bigrams", equations 2 and 3) learn a linear
    classifier on log-count ratios. While a document is learned from, its own count is left out of N, or an n-gram
    that it alone has would give its label away.

    Args:
        longest: k goes from 1 to this.
        rows: n-grams of the table (see `NgramCounts`).
        classes: width of the logits.
        vocabulary_size: above every token id.
    """

    counts: Tensor  # N(g, c), (rows + 1, classes)
    documents: Tensor  # of each label, (classes,)

    def __init__(self, longest: int, rows: int, classes: int, vocabulary_size: int) -> None:
        super().__init__(longest, rows, vocabulary_size)
        self.register_buffer("counts", torch.zeros(rows + 1, classes))
        self.register_buffer("documents", torch.zeros(classes))
        self.embedding = nn.Embedding(rows + 1, 1)  # w
        self.scale = nn.Parameter(torch.full((longest,), 0.5))  # s
        nn.init.zeros_(self.embedding.weight)

    def forward(self, found: list[Found], targets: Tensor | None = None) -> Tensor:
        """Return logits (B, classes).

        Args:
            found: what `find` returns for the documents.
            targets: labels (B,) of documents that were counted, and are learned from.
        """
        said = torch.stack([self.said(rows, targets) / root(rows, self.none) for rows, _ in found])
        return (self.scale[:, None, None] * said).sum(0)

    def said(self, rows: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return Σ_g (1 + w_g) r(g, c) over rows of one length, (B, classes)."""
        counts = self.counts[rows]  # (B, G, classes)
        if targets is not None:
            own = nn.functional.one_hot(targets, counts.shape[-1])
            counts = (counts - own.unsqueeze(1)).clamp(min=0)
        weights = (1 + self.embedding(rows)) * (rows != self.none).unsqueeze(-1)  # (B, G, 1)
        said: Tensor = (weights * log_ratios(counts, self.documents)).sum(1)
        return said

    @override
    def check(self) -> None:
        super().check()
        for counts in (self.counts, self.documents):
            if counts.numel() and float(counts.min()) < 0:
                raise ValueError("a count of n-grams or documents is negative")

    @torch.no_grad()
    def begin(self, counts: NgramCounts) -> None:
        """Copy the n-grams and their counts."""
        super().begin(counts)
        self.counts.copy_(torch.from_numpy(counts.counts))
        self.documents.copy_(torch.from_numpy(counts.documents))


def log_ratios(counts: Tensor, documents: Tensor) -> Tensor:
    """Return r(g, c), (*, classes), of n-grams' counts N(g, c) (*, classes) and those of documents (classes,)."""
    prior = (documents + 1) / (documents + 1).sum()  # p(c), above 0 also where nothing was counted
    return ((counts + PRIOR * prior) / (counts.sum(-1, keepdim=True) + PRIOR)).log() - prior.log()


def root(rows: Tensor, none: int) -> Tensor:
    """Return √m, (B, 1), of documents' n-grams (B, G), where `none` is no n-gram; 1 for a document without any."""
    return (rows != none).sum(1, keepdim=True).clamp(min=1).sqrt()
