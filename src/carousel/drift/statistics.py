"""How far two histograms are apart, and whether chance explains it."""

import math

import numpy as np
import numpy.typing as npt

from carousel.drift.profile import Profile

MIN_EXPECTED = 5.0  # in a bin of either histogram: the rule of thumb for Pearson's test

Counts = npt.NDArray[np.float64]


def psi(reference: Counts, current: Counts) -> float:
    """Return the population stability index of two histograms, shape (bins,): Σ (q - p) ln(q / p).

    Half a count is added to each bin, so that an empty one gives a number.
    """
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (reference, current))
    return float(((q - p) * np.log(q / p)).sum())


def psi_by_chance(counts: Counts) -> float:
    """Return the expected index of two samples of one distribution, counts (2, bins).

    Without a shift, the index is a chi-squared variable of bins - 1 degrees of freedom times 1/n + 1/m (Yurdakul
    and Naranjo 2020, "Statistical properties of the population stability index").
    """
    return float((counts.shape[1] - 1) * (1 / np.maximum(counts.sum(1), 1)).sum())


def groups(counts: Counts) -> list[slice]:
    """Return which neighbouring bins of counts (2, bins) to join, so that Pearson's test expects enough in each."""
    rows, columns, total = counts.sum(1), counts.sum(0), counts.sum()
    expected = columns * rows.min() / max(total, 1.0)
    found, start = [], 0
    for end in range(1, len(expected) + 1):
        if expected[start:end].sum() >= MIN_EXPECTED:
            found.append(slice(start, end))
            start = end
    if not found:
        return [slice(0, len(expected))]
    found[-1] = slice(found[-1].start, len(expected))  # what is left over is too little for a bin of its own
    return found


def homogeneity(counts: Counts) -> float:
    """Return the p-value of Pearson's chi-squared test that counts (2, bins) are of one distribution."""
    from scipy.stats import chi2

    expected = np.outer(counts.sum(1), counts.sum(0)) / max(counts.sum(), 1.0)
    if counts.shape[1] < 2 or not expected.all():
        return 1.0
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.shape[1] - 1))


def unknown_variance(profile: Profile, rate: float) -> float:
    """Return the variance of a profile's out-of-vocabulary rate, if the true one is `rate`.

    The tokens of an example are alike, so the examples are what is sampled: the variance is that of a ratio of two
    sums over them (Rao and Scott 1992, "A simple method for the analysis of clustered binary data"). 0 without
    tokens.
    """
    if not profile.tokens:
        return 0.0
    squares = profile.unknown_squared - 2 * rate * profile.tokens_unknown + rate**2 * profile.tokens_squared
    return max(squares, 0.0) / profile.tokens**2


def two_proportions(difference: float, variance: float) -> float:
    """Return the two-sided p-value of a difference of two proportions, from its variance if they are equal."""
    if variance <= 0:
        return 1.0
    return math.erfc(abs(difference) / math.sqrt(2 * variance))
