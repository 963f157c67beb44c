"""Two profiles compared: how far each distribution has shifted, in numbers and in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from carousel.comparison.paired import points
from carousel.drift import statistics
from carousel.drift.profile import Profile, confidence_names, length_names

LIMIT = 0.2  # of the population stability index; the usual reading is none below 0.1, and major above 0.25
SIGNIFICANCE = 0.01  # a p-value below it is not taken for chance
MIN_EXAMPLES = 50  # with fewer, nothing is said
NAMED = 3  # classes that a sentence names
UNKNOWN = "out-of-vocabulary rate"  # a title

Verdict = Literal["drifted", "stable", "too few"]
VERDICTS: tuple[Verdict, ...] = ("drifted", "stable", "too few")


@dataclass(frozen=True)
class Shift:
    """One distribution in two profiles.

    Attributes:
        title: what is distributed.
        bins: names of its values, rare neighbours joined.
        ordered: whether they are ranges of numbers.
        reference: fraction in each bin when the model was evaluated.
        current: fraction in each bin now.
        psi: population stability index.
        psi_by_chance: its expected value if nothing has changed, with as few examples as there are.
        p: of the test that nothing has changed.
        words: what changed.
        verdict: drifted if the index is above the limit and chance does not explain it.
    """

    title: str
    bins: tuple[str, ...]
    ordered: bool
    reference: tuple[float, ...]
    current: tuple[float, ...]
    psi: float
    psi_by_chance: float
    p: float
    words: str
    verdict: Verdict


@dataclass(frozen=True)
class Drift:
    """What a model is asked and predicts now, beside what it was evaluated on.

    Attributes:
        reference: profile of the test split.
        current: profile of now.
        limit: of the population stability index.
        shifts: of the out-of-vocabulary rate, length, predicted classes and confidence.
    """

    reference: Profile
    current: Profile
    limit: float
    shifts: tuple[Shift, ...]

    @property
    def verdict(self) -> Verdict:
        """Drifted if any distribution did; else too few if any has too few examples to tell."""
        found = {shift.verdict for shift in self.shifts}
        return "drifted" if "drifted" in found else "too few" if "too few" in found else "stable"

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        by = {verdict: _joined(s.title for s in self.shifts if s.verdict == verdict) for verdict in VERDICTS}
        if by["drifted"]:
            return f"Drifted: {by['drifted']}."
        if by["too few"]:
            what = "" if by["stable"] == "" else f" of {by['too few']}"
            return f"Too few predictions ({self.current.examples}) to tell a drift{what} from chance."
        return "No drift."


def compare(reference: Profile, current: Profile, limit: float = LIMIT) -> Drift:
    """Compare what a model is asked and predicts now with what it was evaluated on.

    Args:
        reference: of the test split.
        current: of production.
        limit: of the population stability index.
    """
    known = {*reference.classes, *current.classes} or {"(none)"}
    classes = sorted(known, key=lambda name: (-reference.classes[name], name))
    before, now = ([profile.classes[name] for name in classes] for profile in (reference, current))
    judge = _Judge(min(reference.examples, current.examples), limit)
    confidence = f"mean {_from_to(reference.mean_confidence, current.mean_confidence, '.2f')}"
    return Drift(
        reference,
        current,
        limit,
        (
            _unknown(judge, reference, current),
            judge.histogram(
                "length in tokens",
                length_names(),
                reference.lengths,
                current.lengths,
                f"mean {_from_to(_mean_length(reference), _mean_length(current), '.1f')}",
            ),
            judge.histogram(
                "predicted classes", classes, before, now, _in_words(classes, before, now), ordered=False
            ),
            judge.histogram(
                "confidence", confidence_names(), reference.confidences, current.confidences, confidence
            ),
        ),
    )


@dataclass(frozen=True)
class _Judge:
    """What a verdict depends on besides the distributions."""

    examples: int
    limit: float

    def verdict(self, psi: float, by_chance: float, p: float) -> Verdict:
        if self.examples < MIN_EXAMPLES:
            return "too few"
        if psi > self.limit and p < SIGNIFICANCE:
            return "drifted"
        return "too few" if by_chance > self.limit / 2 else "stable"

    def histogram(
        self,
        title: str,
        names: Sequence[str],
        reference: Sequence[int],
        current: Sequence[int],
        words: str,
        *,
        ordered: bool = True,
    ) -> Shift:
        """Compare two histograms."""
        counts = np.array([reference, current], np.float64)
        groups = statistics.groups(counts)
        counts = np.stack([counts[:, group].sum(1) for group in groups], 1)
        psi, chance = statistics.psi(*counts), statistics.psi_by_chance(counts)
        p = statistics.homogeneity(counts)
        bins = tuple((_range if ordered else _several)(names[group]) for group in groups)
        before, now = (tuple(map(float, row / max(row.sum(), 1))) for row in counts)
        return Shift(title, bins, ordered, before, now, psi, chance, p, words, self.verdict(psi, chance, p))


def _unknown(judge: _Judge, reference: Profile, current: Profile) -> Shift:
    rates = reference.unknown_rate, current.unknown_rate
    counts = np.array([[one.unknown, one.tokens - one.unknown] for one in (reference, current)], np.float64)
    psi = statistics.psi(*counts)
    both = reference + current
    variance = sum(statistics.unknown_variance(one, both.unknown_rate) for one in (reference, current))
    p = statistics.two_proportions(rates[1] - rates[0], variance)
    spread = both.unknown_rate * (1 - both.unknown_rate)
    chance = variance / spread if spread else 0.0  # of two bins, the index is about (q - p)² / (p (1 - p))
    return Shift(
        UNKNOWN,
        ("out of vocabulary", "known"),
        False,
        (rates[0], 1 - rates[0]),
        (rates[1], 1 - rates[1]),
        psi,
        chance,
        p,
        f"{_from_to(100 * rates[0], 100 * rates[1], '.1f')} % of tokens",
        judge.verdict(psi, chance, p),
    )


def _mean_length(profile: Profile) -> float:
    return profile.tokens / max(profile.examples, 1)


def _in_words(names: Sequence[str], before: Sequence[int], now: Sequence[int]) -> str:
    """Return the classes whose fraction changed most, in percentage points."""
    p, q = (np.array(counts) / max(sum(counts), 1) for counts in (before, now))
    most = np.argsort(-abs(q - p), kind="stable")[:NAMED]
    changed = [f"{names[i]} {points(float(q[i] - p[i]))}" for i in most if abs(q[i] - p[i]) > 5e-4]
    return f"{', '.join(changed)} points" if changed else "unchanged"


def _from_to(before: float, now: float, form: str) -> str:
    return f"{before:{form}} → {now:{form}}"


def _several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _range(names: Sequence[str]) -> str:
    """Return the name of the range that neighbouring ranges make up."""
    if len(names) == 1 or names[-1].endswith("+"):
        return names[0] if len(names) == 1 else f"{names[0].split('-')[0]}+"
    return f"{names[0].split('-')[0]}-{names[-1].split('-')[-1]}"


def _joined(titles: Iterable[str]) -> str:
    """Return titles as a sentence has them."""
    *first, last = list(titles) or [""]
    return f"{', '.join(first)} and {last}" if first else last
