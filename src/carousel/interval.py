"""Confidence intervals of fractions."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt


def wilson(
    successes: npt.ArrayLike, trials: npt.ArrayLike, level: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both ends of the score interval of each fraction (Wilson 1927; Brown et al. 2001, equation 4).

    Unlike the normal approximation, it has a width for 0 of n and n of n, and stays within 0 and 1. Without trials
    it is 0 to 1.

    Args:
        successes: shape (*,).
        trials: shape (*,).
        level: of the interval, 0.95 for 95 %.
    """
    hits, n = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (hits + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(hits * (n - hits) / np.maximum(n, 1) + z**2 / 4)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
