"""A linear model of n-grams that answers beside the network, and is no part of what the network learns."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from carousel.nn.ngrams import root


class LinearNgrams(nn.Module):
    """Logits of a document's n-grams, from weights that were learned without the network.

    A document that has m_k distinct n-grams of k words in the table (see `nn.ngram_counts`) gets the logits

        b(c) + Σ_k 1 / √m_k Σ_g u(g, c)

    Averaged with the network's, they are a geometric mean of the two answers, as Mesnil et al. (2014, "Ensemble of
    generative and discriminative techniques for sentiment analysis of movie reviews") average a recurrent model and
    linear n-grams. It gains because the two were learned apart and err apart; hence no gradient passes here.

    Args:
        rows: n-grams of the table.
        classes: width of the logits.
    """

    weights: Tensor  # u, (rows + 1, classes); zeros in the last row
    bias: Tensor  # b, (classes,)

    def __init__(self, rows: int, classes: int) -> None:
        super().__init__()
        self.none = rows
        self.register_buffer("weights", torch.zeros(rows + 1, classes))
        self.register_buffer("bias", torch.zeros(classes))

    def forward(self, rows: list[Tensor]) -> Tensor:
        """Return logits (B, classes) of the distinct n-grams of each length, which `Ngrams.rows` gives."""
        return self.bias + torch.stack([self.said(each) / root(each, self.none) for each in rows]).sum(0)

    def said(self, rows: Tensor) -> Tensor:
        """Return Σ_g u(g, c) over rows of one length, (B, classes)."""
        return self.weights[rows].sum(1)

    @torch.no_grad()
    def begin(self, weights: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]) -> None:
        """Take over what was learned."""
        self.weights.copy_(torch.from_numpy(weights))
        self.bias.copy_(torch.from_numpy(bias))
