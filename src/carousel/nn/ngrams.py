"""N-grams beside the network: what training documents with the same one had for labels, and what it is worth."""

import torch
from torch import Tensor, nn

from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID

PRIOR = 2.0  # α below, in documents: as strong as the two that Wang & Manning add
BASE, PRIME = 1_664_525_013, 2**31 - 1  # of the hash: Karp & Rabin 1987, "Efficient randomized pattern-matching"


class Ngrams(nn.Module):
    """Logits from the n-grams of a document: naive Bayes by counting, each n-gram's weight by learning.

    N(g, c) of the training documents have n-gram g and label c, and N(g) have it at all. What g says of c is the
    log-ratio of c's share among them to its share p(c) among all documents:

        r(g, c) = log ((N(g, c) + α p(c)) / (N(g) + α)) - log p(c)

    An n-gram that was never seen says 0. A document that has m_k distinct n-grams of k words gets the logits

        Σ_k s_k / √m_k Σ_g (1 + w_g) r(g, c)

    with learned s and w, as Wang & Manning (2012, "Baselines and bigrams", equations 2 and 3) learn a linear
    classifier on log-count ratios. While a document is learned from, its own count is left out of N, or an n-gram
    that it alone has would give its label away. An n-gram with an unknown word is none.

    Args:
        longest: k goes from 1 to this.
        buckets: rows of the counts; an n-gram's row is its hash, and those that meet in a row share it.
        classes: width of the logits.
    """

    counts: Tensor  # N(g, c), (buckets + 1, classes); the last row is no n-gram's
    documents: Tensor  # of each label, (classes,)

    def __init__(self, longest: int, buckets: int, classes: int) -> None:
        super().__init__()
        self.longest = longest
        self.buckets = buckets
        self.register_buffer("counts", torch.zeros(buckets + 1, classes))
        self.register_buffer("documents", torch.zeros(classes))
        self.embedding = nn.Embedding(buckets + 1, 1)  # w
        self.scale = nn.Parameter(torch.full((longest,), 0.5))  # s
        nn.init.zeros_(self.embedding.weight)

    def forward(self, ids: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return logits (B, classes).

        Args:
            ids: (B, T), padded.
            targets: labels (B,) of documents that were counted, and are learned from.
        """
        said = torch.stack([self.said(rows, targets) / self.root(rows) for rows in self.rows(ids)])
        return (self.scale[:, None, None] * said).sum(0)

    def rows(self, ids: Tensor) -> list[Tensor]:
        """Return the distinct n-grams of each length as rows of the counts, (B, G) each; `buckets` fills up."""
        found: list[Tensor] = []
        ids = nn.functional.pad(ids, (0, self.longest - 1), value=PADDING_ID)  # so that a short text has room
        known = (ids != PADDING_ID) & (ids != UNKNOWN_ID)
        codes, whole = torch.zeros_like(ids), torch.ones_like(known)
        for more in range(self.longest):
            last = ids[:, more:]
            codes = (codes[:, : last.shape[1]] * BASE + last) % PRIME
            whole = whole[:, : last.shape[1]] & known[:, more:]
            rows = torch.where(whole, codes % self.buckets, self.buckets).sort(dim=1).values
            again = nn.functional.pad(rows[:, 1:] == rows[:, :-1], (1, 0))
            found.append(rows.masked_fill(again, self.buckets))
        return found

    def said(self, rows: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return Σ_g (1 + w_g) r(g, c) over rows of one length, (B, classes)."""
        counts = self.counts[rows]  # (B, G, classes)
        if targets is not None:
            own = nn.functional.one_hot(targets, counts.shape[-1])
            counts = (counts - own.unsqueeze(1)).clamp(min=0)
        share = (self.documents + 1) / (self.documents + 1).sum()  # p(c), above 0 also where nothing was counted
        ratios = ((counts + PRIOR * share) / (counts.sum(-1, keepdim=True) + PRIOR)).log() - share.log()
        weights = (1 + self.embedding(rows)) * (rows != self.buckets).unsqueeze(-1)  # (B, G, 1)
        said: Tensor = (weights * ratios).sum(1)
        return said

    def root(self, rows: Tensor) -> Tensor:
        """Return √m, (B, 1); 1 for a document that has none."""
        return (rows != self.buckets).sum(1, keepdim=True).clamp(min=1).sqrt()

    @torch.no_grad()
    def count(self, ids: Tensor, targets: Tensor) -> None:
        """Count documents (B, T) of labels (B,)."""
        classes = len(self.documents)
        self.documents += torch.bincount(targets, minlength=classes)
        for rows in self.rows(ids):
            cells = (rows * classes + targets.unsqueeze(1)).flatten()
            self.counts.view(-1).index_add_(0, cells, torch.ones(len(cells)))
        self.counts[self.buckets] = 0
