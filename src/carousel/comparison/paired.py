"""Two models on one test set: what differs, how sure that is, and where.

Everything is paired, because the two models predicted the same examples: an example that both predict correctly, or
neither, says nothing about which is better.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from carousel.comparison.predictions import Predictions
from carousel.comparison.scoring import Numbers, Scoring, Slicing, Statistics
from carousel.metric import Metric

RESAMPLES = 10_000
LEVEL = 0.95  # of intervals; 1 - LEVEL is what a p-value is held against
_BLOCK = 1_000  # resamples at a time, which bounds memory


@dataclass(frozen=True)
class Difference:
    """A metric of both models, and the paired bootstrap's view of B - A.

    Attributes:
        a: the metric of model A.
        b: of model B.
        low: where the interval of B - A begins.
        high: where it ends.
        resampled: B - A in each bootstrap resample, in order of size, shape (resamples,).
    """

    a: float
    b: float
    low: float
    high: float
    resampled: Numbers = field(repr=False, compare=False)

    @property
    def difference(self) -> float:
        """B - A: above zero where B is better."""
        return self.b - self.a

    def confidence(self, above: float = 0.0) -> float:
        """Return the fraction of resamples in which B - A is above a margin, counting ties half.

        `confidence()` says how surely B is better; `confidence(-0.01)` how surely it is not worse by 0.01 or more.
        """
        # sums of shares that should be equal differ in their last digits
        higher = float((self.resampled > above + 1e-12).mean())
        lower = float((self.resampled < above - 1e-12).mean())
        return (1 + higher - lower) / 2

    def shown(self) -> tuple[str, str, str, str, str]:
        """Return A, B, the difference in points, its interval, and the confidence that B is better, as text."""
        return (
            f"{self.a:.4f}",
            f"{self.b:.4f}",
            points(self.difference),
            f"{points(self.low)} to {points(self.high)}",
            f"{100 * self.confidence():.1f} %",
        )

    def to_json(self) -> dict[str, float]:
        """Return plain values for scripts."""
        return {
            "a": self.a,
            "b": self.b,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "confidence_that_b_is_better": self.confidence(),
        }


@dataclass(frozen=True)
class Slice:
    """Some of the examples: those of one label, of one range of lengths, or with one type of span.

    Attributes:
        name: the label, range or type.
        examples: how many it has.
        a: the first metric of model A on them; by type, F1.
        b: of model B.
        only_a: examples that A alone predicts correctly; None for a slice by type, which is no set of examples.
        only_b: examples that B alone predicts correctly.
        p: McNemar's, adjusted by Holm for the number of slices beside it.
        f1: F1 of the class in both models, where the slice is one class; it counts false positives, too.
    """

    name: str
    examples: int
    a: float
    b: float
    only_a: int | None = None
    only_b: int | None = None
    p: float | None = None
    f1: tuple[float, float] | None = None

    @property
    def difference(self) -> float:
        """B - A."""
        return self.b - self.a


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        examples: of the test set.
        example: what one of them is called, such as `document`.
        level: of the intervals, 0.95 for 95 %.
        declared: the metrics, the one that decides first.
        metrics: both models' values by name.
        only_a: examples that A alone predicts correctly.
        only_b: examples that B alone predicts correctly.
        p: of McNemar's exact test.
        agreement: the fraction of decisions that both make alike.
        slices: by kind, such as `label` and `length`; those that have examples.
    """

    examples: int
    example: str
    level: float
    declared: tuple[Metric, ...]
    metrics: dict[str, Difference]
    only_a: int
    only_b: int
    p: float
    agreement: float
    slices: dict[str, tuple[Slice, ...]]

    @property
    def first(self) -> Metric:
        """The metric that decides."""
        return self.declared[0]

    @property
    def better(self) -> Literal["A", "B"] | None:
        """Which model is the better one, if the interval of the first metric and McNemar's test both say so."""
        difference = self.metrics[self.first.name]
        if self.p >= 1 - self.level or _spans_zero(difference):
            return None
        return _winner(self.first, difference)

    @property
    def verdict(self) -> str:
        """A sentence on the first metric, and one on each other metric that says something else."""
        first, *others = self.declared
        difference = self.metrics[first.name]
        if self.agreement == 1:
            return f"no difference: both models predict the same for all {self.examples} {self.example}s"
        measured = f"{_interval(difference, first, self.level)}, McNemar p {p_value(self.p)}"
        if self.better:
            return f"{self.better} is better: {measured}"
        tested, apart = self.p < 1 - self.level, not _spans_zero(difference)
        edge = ""
        if tested != apart:
            one, other = ("McNemar's test", "the interval") if tested else ("the interval", "McNemar's exact test")
            edge = f", but close: {one} sees one, {other} does not"
        aside = ""
        for metric in others:
            found = self.metrics[metric.name]
            if not _spans_zero(found):
                aside += (
                    f"; but {_winner(metric, found)} has the better {metric.title}: "
                    f"{_interval(found, metric, self.level)}"
                )
        return f"no difference shown{edge}: {measured}{aside}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        return {
            "verdict": self.verdict,
            "better": self.better,
            f"{self.example}s": self.examples,
            "level": self.level,
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "mcnemar": {"only_a": self.only_a, "only_b": self.only_b, "p": self.p},
            "agreement": self.agreement,
            **{f"by_{kind}": [asdict(part) for part in parts] for kind, parts in self.slices.items()},
        }


def compare(
    scoring: Scoring,
    a: Predictions,
    b: Predictions,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two models' predictions on the same test data.

    Classes that only one of the models knows count for both. Where the models' tokenizers differ, an example has
    the greater of its two lengths.

    Args:
        scoring: the task's.
        a: model A's.
        b: model B's.
        level: of the intervals.
        resamples: of the bootstrap.
        seed: of the bootstrap; the same seed gives the same numbers.

    Raises:
        ValueError: when the test data differ, or are empty.
    """
    if a.digest != b.digest:
        raise ValueError(f"predictions on different test data, {a.digest} and {b.digest}")
    if a.table.is_empty() or a.table.height != b.table.height:
        raise ValueError(f"tables of one length, not empty, are needed; got {a.table.height} and {b.table.height}")
    classes = tuple(sorted({*a.classes, *b.classes}))
    of_a, of_b = (scoring.statistics(one.table, classes) for one in (a, b))
    only_a, only_b = int((of_a.correct & ~of_b.correct).sum()), int((of_b.correct & ~of_a.correct).sum())
    longer = np.maximum(a.table["tokens"].to_numpy(), b.table["tokens"].to_numpy())
    return Comparison(
        examples=a.table.height,
        example=scoring.example,
        level=level,
        declared=scoring.metrics,
        metrics=_differences(scoring, of_a, of_b, classes, level, resamples, seed),
        only_a=only_a,
        only_b=only_b,
        p=mcnemar(only_a, only_b),
        agreement=scoring.agreement(a.table, b.table),
        slices=_slices(scoring, a.table.with_columns(tokens=longer), of_a, of_b, classes),
    )


def disagreements(scoring: Scoring, a: Predictions, b: Predictions, most: int = 10) -> pl.DataFrame:
    """Return the examples that two models predict most differently, first the widest apart.

    Returns:
        As `Scoring.disagreements`, with `tokens`, the example's length.
    """
    lengths = np.maximum(a.table["tokens"].to_numpy(), b.table["tokens"].to_numpy())
    return (
        scoring.disagreements(a.table, b.table, (a.classes, b.classes))
        .sort("apart", "row", descending=[True, False])
        .head(most)
        .join(pl.DataFrame({"tokens": lengths}).with_row_index("row"), on="row", maintain_order="left")
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar 1947; Dietterich 1998, section 3.1).

    Where the models differ only by chance, each document that one alone gets right is as likely A's as B's.
    """
    from scipy.stats import binomtest  # seconds to import, for one line

    return float(binomtest(only_b, only_a + only_b).pvalue) if only_a + only_b else 1.0


def holm(p_values: Numbers) -> Numbers:
    """Adjust p-values for their number (Holm 1979), so that any false alarm among them is as rare as one alone."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def p_value(p: float) -> str:
    """Write a p-value as papers do, after the p: `= 0.47`, `= 0.003`, `< 0.001`."""
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def points(fraction: float, digits: int = 1) -> str:
    """Write a difference of shares in percentage points, signed: `+0.4`, `−1.2`."""
    text = f"{100 * fraction:+.{digits}f}"
    return text.lstrip("+-") if not float(text) else text.replace("-", "−")


def _spans_zero(difference: Difference) -> bool:
    return difference.low <= 0 <= difference.high


def _winner(metric: Metric, difference: Difference) -> Literal["A", "B"]:
    return "B" if metric.better(difference.b, difference.a) else "A"


def _interval(difference: Difference, metric: Metric, level: float) -> str:
    return (
        f"{points(difference.difference)} points of {metric.title}, {100 * level:g} % interval "
        f"{points(difference.low)} to {points(difference.high)}"
    )


def _differences(
    scoring: Scoring,
    a: Statistics,
    b: Statistics,
    classes: Sequence[str],
    level: float,
    resamples: int,
    seed: int,
) -> dict[str, Difference]:
    """Resample the examples with replacement, both models' predictions together (Efron & Tibshirani 1993).

    The intervals are the percentile intervals of chapter 13. Metrics depend only on how often each pair of rows of
    statistics (A, B) occurs, and those counts are multinomial: drawing them is the same as drawing examples, and
    with few different pairs it takes as long for a million examples as for a thousand.
    """
    pairs, first, counts = np.unique(
        np.stack([a.index, b.index], axis=1), axis=0, return_index=True, return_counts=True
    )
    # in order of their first example, which is the same for (A, B) and (B, A): so the two mirror each other
    order = np.argsort(first)
    pairs, counts = pairs[order], counts[order]
    rows = a.rows[pairs[:, 0]], b.rows[pairs[:, 1]]

    def score(drawn: Numbers) -> list[dict[str, Numbers]]:
        return [scoring.score(drawn @ of_one, classes) for of_one in rows]

    observed = score(counts[np.newaxis].astype(np.float64))
    random = np.random.default_rng(seed)
    fractions = counts / counts.sum()
    blocks = [
        score(random.multinomial(len(a.index), fractions, size=min(_BLOCK, resamples - done)).astype(np.float64))
        for done in range(0, resamples, _BLOCK)
    ]
    differences = {}
    for metric in scoring.metrics:
        in_a, in_b = (float(one[metric.name][0]) for one in observed)
        resampled = np.sort(np.concatenate([of_b[metric.name] - of_a[metric.name] for of_a, of_b in blocks]))
        low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
        differences[metric.name] = Difference(in_a, in_b, float(low), float(high), resampled)
    return differences


def _slices(
    scoring: Scoring, table: pl.DataFrame, a: Statistics, b: Statistics, classes: Sequence[str]
) -> dict[str, tuple[Slice, ...]]:
    found = {
        slicing.kind: _slices_of(slicing, scoring, a, b, classes) for slicing in scoring.slicings(table, classes)
    }
    of_a, of_b = (scoring.by_class(statistics.total(), classes) for statistics in (a, b))
    f1 = {name: (float(in_a), float(in_b)) for name, in_a, in_b in zip(of_a.names, of_a.f1, of_b.f1, strict=True)}
    if of_a.kind in found:
        found[of_a.kind] = tuple(replace(part, f1=f1[part.name]) for part in found[of_a.kind])
    else:
        found[of_a.kind] = tuple(
            Slice(name, int(support), *f1[name]) for name, support in zip(of_a.names, of_a.support, strict=True)
        )
    return found


def _slices_of(
    slicing: Slicing, scoring: Scoring, a: Statistics, b: Statistics, classes: Sequence[str]
) -> tuple[Slice, ...]:
    slices, first = [], scoring.metrics[0].name
    for number, name in enumerate(slicing.names):
        which = slicing.member == number
        if which.any():
            in_a, in_b = (float(scoring.score(one.total(which), classes)[first]) for one in (a, b))
            only_a = int((a.correct & ~b.correct & which).sum())
            only_b = int((b.correct & ~a.correct & which).sum())
            slices.append(Slice(name, int(which.sum()), in_a, in_b, only_a, only_b))
    adjusted = holm(np.array([mcnemar(part.only_a or 0, part.only_b or 0) for part in slices]))
    return tuple(replace(part, p=float(p)) for part, p in zip(slices, adjusted, strict=True))
