"""A linear classifier of TF-IDF vectors of n-grams, averaged with the network and no part of what it learns."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from carousel.nn.ngrams import Found


class LinearNgrams(nn.Module):
    """Logits of a document's distinct n-grams g, from weights that were learned without the network.

        Σ_g x(g) θ(g, c) / √(Σ_g x(g)²),    x(g) = (1 + log n(g)) idf(g)

    a linear function of TF-IDF vectors of length 1, where the document has g n(g) times (Manning et al. 2008,
    "Introduction to information retrieval", section 6.4.1).

    Averaged with the network's logits, they give a geometric mean of the two predictions, as Mesnil et al. (2014,
    "Ensemble of generative and discriminative techniques for sentiment analysis of movie reviews") average a
    recurrent model and linear n-grams. It helps because the two are trained apart and make different errors;
    hence no gradient passes here.

    Args:
        rows: n-grams of the table (see `nn.ngram_counts`).
        classes: width of the logits.
    """

    weights: Tensor  # idf(g) θ(g, c), (rows + 1, classes); zeros in the last row
    squares: Tensor  # idf(g)², (rows + 1,); zero in the last row

    def __init__(self, rows: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(rows + 1, classes))
        self.register_buffer("squares", torch.zeros(rows + 1))

    def forward(self, found: list[Found]) -> Tensor:
        """Return logits (B, classes) of the n-grams of each length, as `NgramTable.find` returns them."""
        sums = [self.sums(each) for each in found]
        return self.normalized(sum(logits for logits, _ in sums), sum(squares for _, squares in sums))  # type: ignore[arg-type]

    def sums(self, found: Found) -> tuple[Tensor, Tensor]:
        """Return both sums of the formula, (B, classes) and (B, 1), over n-grams of one length."""
        rows, times = found
        frequency = 1 + times.to(self.weights.dtype).log()  # (B, G)
        weights = (self.weights[rows] * frequency.unsqueeze(-1)).sum(1)
        return weights, (self.squares[rows] * frequency.square()).sum(1, keepdim=True)

    @staticmethod
    def normalized(weights: Tensor, squares: Tensor) -> Tensor:
        """Return logits (B, classes) from both sums; zeros for a document without n-grams."""
        return weights / squares.clamp(min=1e-12).sqrt()

    @torch.no_grad()
    def begin(self, weights: npt.NDArray[np.float64], idf: npt.NDArray[np.float64]) -> None:
        """Copy what was learned: θ (rows, classes), and idf (rows,)."""
        self.weights[:-1] = torch.from_numpy(weights * idf[:, None])
        self.squares[:-1] = torch.from_numpy(idf**2)
