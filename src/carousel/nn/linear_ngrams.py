"""A linear classifier of TF-IDF vectors of n-grams, averaged with the network and no part of what it learns."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


class LinearNgrams(nn.Module):
    """Logits of a document's distinct n-grams g, from weights that were learned without the network.

        Σ_g idf(g) θ(g, c) / √(Σ_g idf(g)²)

    a linear function of TF-IDF vectors of length 1 in which an n-gram counts once a document.

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

    def forward(self, rows: list[Tensor]) -> Tensor:
        """Return logits (B, classes) of the distinct n-grams (B, G) of each length, as `NgramTable.rows` gives."""
        found = [self.sums(each) for each in rows]
        return self.normalized(sum(logits for logits, _ in found), sum(squares for _, squares in found))  # type: ignore[arg-type]

    def sums(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sums of weights (B, classes) and of squares (B, 1) over rows (B, G)."""
        return self.weights[rows].sum(1), self.squares[rows].sum(1, keepdim=True)

    @staticmethod
    def normalized(weights: Tensor, squares: Tensor) -> Tensor:
        """Return logits (B, classes) from both sums; zeros for a document without n-grams."""
        return weights / squares.clamp(min=1e-12).sqrt()

    @torch.no_grad()
    def begin(self, weights: npt.NDArray[np.float64], idf: npt.NDArray[np.float64]) -> None:
        """Copy what was learned: θ (rows, classes), and idf (rows,)."""
        self.weights[:-1] = torch.from_numpy(weights * idf[:, None])
        self.squares[:-1] = torch.from_numpy(idf**2)
