"""The CRF's predictions of an exported tagger, in NumPy; `nn.crf` has the same algorithms and their sources.

Shapes: T words of one sentence, K tags.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carousel.tasks.tagging.schemes import Masks

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Chain:
    """Scores of a linear-chain CRF: (K, K) from a tag to the next one, (K,) of a first word's, of a last word's."""

    transitions: Floats
    start: Floats
    end: Floats

    def best(self, emissions: Floats, allowed: Masks | None) -> npt.NDArray[np.int64]:
        """Return the tags (T,) of the largest score among those that are allowed, of emissions (T, K)."""
        scores = (self.transitions, self.start, self.end)
        if allowed is not None:
            scores = tuple(  # type: ignore[assignment]
                np.where(mask, score, -np.inf) for score, mask in zip(scores, allowed, strict=True)
            )
        transitions, start, end = scores
        delta = emissions.copy()
        delta[0] += start
        delta[-1] += end
        for t in range(1, len(delta)):
            delta[t] += (delta[t - 1][:, None] + transitions).max(0)
        tags = np.empty(len(delta), np.int64)
        tags[-1] = delta[-1].argmax()
        for t in range(len(delta) - 1, 0, -1):
            tags[t - 1] = (delta[t - 1] + transitions[:, tags[t]]).argmax()
        return tags

    def marginals(self, emissions: Floats) -> npt.NDArray[np.float64]:
        """Return p(y_t = k), (T, K), of emissions (T, K)."""
        scores = emissions.astype(np.float64)
        scores[0] += self.start
        scores[-1] += self.end
        weights = np.exp(scores - scores.max(1, keepdims=True))
        factors = np.exp(self.transitions.astype(np.float64) - self.transitions.max())
        alphas, betas = np.empty_like(weights), np.ones_like(weights)
        sums = np.empty(len(weights))
        for t, weight in enumerate(weights):
            alphas[t] = weight if t == 0 else (alphas[t - 1] @ factors) * weight
            sums[t] = alphas[t].sum()
            alphas[t] /= sums[t]
        for t in range(len(weights) - 1, 0, -1):
            betas[t - 1] = factors @ (betas[t] * weights[t] / sums[t])
        found: npt.NDArray[np.float64] = alphas * betas
        return found
