"""Word vectors while they are learned, where words of like spelling learn together."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


class SpelledEmbedding(nn.Embedding):
    """A word's vector is its own one and, of pieces of its spelling, a part that other words share.

    For the pieces p of a word w, with shares s(w, p):

        v(w) = e(w) + Σ_p s(w, p) e(p)

    as Bojanowski et al. (2017, "Enriching word vectors with subword information", section 3.2) make a word's vector
    of n-grams of its characters. So a rare word learns from those that are spelled like it. `folded` sums it up
    into an ordinary embedding, so that a prediction never looks at characters.

    Args:
        own: e(w), (words, size).
        starts: where each word's pieces begin in the next two, and where the last one's end, (words + 1,).
        pieces: p of all words end to end, (n,).
        shares: s of them, (n,).
        count: how many pieces there are.
    """

    starts: Tensor
    piece_ids: Tensor
    shares: Tensor

    def __init__(
        self,
        own: nn.Embedding,
        starts: npt.NDArray[Any],
        pieces: npt.NDArray[Any],
        shares: npt.NDArray[Any],
        count: int,
    ) -> None:
        super().__init__(own.num_embeddings, own.embedding_dim, own.padding_idx, _weight=own.weight)
        self.pieces = nn.Embedding(count, own.embedding_dim)
        nn.init.normal_(self.pieces.weight, std=float(own.weight.detach().std()))
        # They follow from the vocabulary, so no checkpoint has them
        self.register_buffer("starts", torch.from_numpy(starts.astype(np.int64)), persistent=False)
        self.register_buffer("piece_ids", torch.from_numpy(pieces.astype(np.int64)), persistent=False)
        self.register_buffer("shares", torch.from_numpy(shares.astype(np.float32)), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return word vectors (*, size) of token ids (*)."""
        words, places = torch.unique(ids, return_inverse=True)  # a batch says most of its words again and again
        return nn.functional.embedding(places, self.vectors(words))

    def vectors(self, words: Tensor) -> Tensor:
        """Return v (words, size) of distinct words (words,)."""
        starts = self.starts[words]
        counts = self.starts[words + 1] - starts
        bags = counts.cumsum(0) - counts  # where each word's pieces begin among these words'
        each = torch.arange(int(counts.sum()), device=words.device) + (starts - bags).repeat_interleave(counts)
        shared = nn.functional.embedding_bag(
            self.piece_ids[each], self.pieces.weight, bags, mode="sum", per_sample_weights=self.shares[each]
        )
        return super().forward(words) + shared

    @torch.no_grad()
    def folded(self) -> nn.Embedding:
        """Return an ordinary embedding of the same vectors."""
        vectors = self.vectors(torch.arange(self.num_embeddings, device=self.weight.device))
        return nn.Embedding(self.num_embeddings, self.embedding_dim, self.padding_idx, _weight=vectors)


def fold(embedding: nn.Embedding) -> nn.Embedding:
    """Return an ordinary embedding of the same vectors; one that already is ordinary is returned itself."""
    return embedding.folded() if isinstance(embedding, SpelledEmbedding) else embedding
