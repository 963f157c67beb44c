"""Two models on one test set: what differs, how sure that is, and where.

From arrays alone: right labels, both models' labels, lengths. Everything is paired, because the two models answered
the same documents: a document that both get right, or both wrong, says nothing of which is better.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from carousel.corpus import lengths as buckets

RESAMPLES = 10_000
LEVEL = 0.95  # of intervals; 1 - LEVEL is what a p-value is held against
_BLOCK = 1_000  # resamples at a time, which bounds memory

Labels = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


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
        """Return the share of resamples in which B - A is above a margin, counting ties half.

        `confidence()` says how surely B is better; `confidence(-0.01)` how surely it is not worse by 0.01 or more.
        """
        # sums of shares that should be equal differ in their last digits
        higher = float((self.resampled > above + 1e-12).mean())
        lower = float((self.resampled < above - 1e-12).mean())
        return (1 + higher - lower) / 2

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
    """Some of the documents: those of one label, or of one range of lengths.

    Attributes:
        name: the label or range.
        documents: how many it has.
        a: the share that A gets right; of a label's documents, that is its recall.
        b: the share that B gets right.
        only_a: documents that A alone gets right.
        only_b: documents that B alone gets right.
        p: McNemar's, adjusted by Holm for the number of slices beside it.
    """

    name: str
    documents: int
    a: float
    b: float
    only_a: int
    only_b: int
    p: float

    @property
    def difference(self) -> float:
        """B - A."""
        return self.b - self.a


@dataclass(frozen=True)
class LabelSlice(Slice):
    """The documents of one label; F1 also counts the documents that were taken for it.

    Attributes:
        f1_a: of model A.
        f1_b: of model B.
    """

    f1_a: float
    f1_b: float


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        documents: of the test set.
        level: of the intervals, 0.95 for 95 %.
        metrics: `accuracy` and `macro_f1`, as every report and gate names them.
        only_a: documents that A alone gets right.
        only_b: documents that B alone gets right.
        p: of McNemar's exact test.
        agreement: the share of documents that get the same label from both.
        by_label: every label, in order.
        by_length: every range of lengths that has documents.
    """

    documents: int
    level: float
    metrics: dict[str, Difference]
    only_a: int
    only_b: int
    p: float
    agreement: float
    by_label: tuple[LabelSlice, ...]
    by_length: tuple[Slice, ...]

    @property
    def better(self) -> Literal["A", "B"] | None:
        """Which model is the more accurate, if the interval and McNemar's test both say so."""
        accuracy = self.metrics["accuracy"]
        if self.p >= 1 - self.level or accuracy.low <= 0 <= accuracy.high:
            return None
        return "B" if accuracy.difference > 0 else "A"

    @property
    def verdict(self) -> str:
        """A sentence on accuracy, and one on macro-F1 where that says something else."""
        accuracy, macro_f1 = self.metrics["accuracy"], self.metrics["macro_f1"]
        if self.agreement == 1:
            return f"no difference: both models give every one of the {self.documents} documents the same label"
        figures = f"{_interval(accuracy, 'of accuracy', self.level)}, McNemar p {p_value(self.p)}"
        if self.better:
            return f"{self.better} is better: {figures}"
        tested, apart = self.p < 1 - self.level, not accuracy.low <= 0 <= accuracy.high
        edge = ""
        if tested != apart:
            one, other = ("McNemar's test", "the interval") if tested else ("the interval", "McNemar's exact test")
            edge = f", but close: {one} sees one, {other} does not"
        aside = ""
        if not macro_f1.low <= 0 <= macro_f1.high:
            more = "B" if macro_f1.difference > 0 else "A"
            aside = f"; but {more} has the higher macro-F1: {_interval(macro_f1, 'of macro-F1', self.level)}"
        return f"no difference shown{edge}: {figures}{aside}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        return {
            "verdict": self.verdict,
            "better": self.better,
            "documents": self.documents,
            "level": self.level,
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "mcnemar": {"only_a": self.only_a, "only_b": self.only_b, "p": self.p},
            "agreement": self.agreement,
            "by_label": [asdict(part) for part in self.by_label],
            "by_length": [asdict(part) for part in self.by_length],
        }


def compare(
    targets: Labels,
    a: Labels,
    b: Labels,
    *,
    labels: tuple[str, ...],
    lengths: Labels,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two models' labels of the same documents, all of shape (documents,).

    Args:
        targets: the right labels, as indices of `labels`.
        a: model A's.
        b: model B's.
        labels: what the indices stand for.
        lengths: tokens of each document.
        level: of the intervals.
        resamples: of the bootstrap.
        seed: of the bootstrap; the same seed gives the same figures.

    Raises:
        ValueError: when the arrays are empty or of different lengths.
    """
    if not len(targets) == len(a) == len(b) == len(lengths) or not len(targets):
        raise ValueError(
            f"arrays of one length, not empty, are needed; got {len(targets)}, {len(a)}, {len(b)}, {len(lengths)}"
        )
    right_a, right_b = targets == a, targets == b
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    label_slices = _slices(labels, targets, right_a, right_b)
    f1_a, f1_b = (_f1_by_label(targets, predicted, len(labels)) for predicted in (a, b))
    length_slices = _slices(buckets.NAMES, buckets.bucket(lengths), right_a, right_b)
    return Comparison(
        documents=len(targets),
        level=level,
        metrics=_differences(targets, a, b, len(labels), level, resamples, seed),
        only_a=only_a,
        only_b=only_b,
        p=mcnemar(only_a, only_b),
        agreement=float((a == b).mean()),
        by_label=tuple(
            LabelSlice(**vars(part), f1_a=float(f1_a[i]), f1_b=float(f1_b[i]))
            for i, part in enumerate(label_slices)
        ),
        by_length=tuple(part for part in length_slices if part.documents),
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


def points(share: float, digits: int = 1) -> str:
    """Write a difference of shares in percentage points, signed: `+0.4`, `−1.2`."""
    text = f"{100 * share:+.{digits}f}"
    return text.lstrip("+-") if not float(text) else text.replace("-", "−")


def _interval(metric: Difference, what: str, level: float) -> str:
    return (
        f"{points(metric.difference)} points {what}, {100 * level:g} % interval {points(metric.low)} to "
        f"{points(metric.high)}"
    )


def _differences(
    targets: Labels, a: Labels, b: Labels, classes: int, level: float, resamples: int, seed: int
) -> dict[str, Difference]:
    """Resample the documents with replacement, both models' predictions together (Efron & Tibshirani 1993).

    The intervals are the percentile intervals of chapter 13. Both metrics depend only on how often each triple of
    (target, A, B) occurs, and those counts are multinomial: drawing them is the same as drawing documents, and
    takes as long for a million documents as for a thousand.
    """
    triples, first, counts = np.unique(
        np.stack([targets, a, b], axis=1), axis=0, return_index=True, return_counts=True
    )
    # in order of their first document, which is the same for (A, B) and (B, A): so the two mirror each other
    order = np.argsort(first)
    triples, counts = triples[order], counts[order]
    observed = _metrics(counts[np.newaxis], triples, classes)
    random = np.random.default_rng(seed)
    shares = counts / counts.sum()
    blocks = [
        _metrics(random.multinomial(len(targets), shares, size=min(_BLOCK, resamples - done)), triples, classes)
        for done in range(0, resamples, _BLOCK)
    ]
    differences = {}
    for name, (in_a, in_b) in observed.items():
        resampled = np.sort(np.concatenate([block[name][1] - block[name][0] for block in blocks]))
        low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
        differences[name] = Difference(float(in_a[0]), float(in_b[0]), float(low), float(high), resampled)
    return differences


def _metrics(counts: npt.NDArray[np.int64], triples: Labels, classes: int) -> dict[str, tuple[Numbers, Numbers]]:
    """Return both models' accuracy and macro-F1, each of shape (resamples,).

    Args:
        counts: of each triple, shape (resamples, triples).
        triples: target, A's and B's label, shape (triples, 3).
        classes: how many labels there are.
    """
    target, *predicted = np.eye(classes)[triples.T]  # (triples, classes) each
    support = counts @ target  # (resamples, classes)
    documents = counts.sum(1)
    accuracies, macro_f1s = [], []
    for one in predicted:
        hits = counts @ (target * one)
        # a label that neither occurs nor is predicted counts as 0, as in every report
        f1 = 2 * hits / np.maximum(support + counts @ one, 1)
        accuracies.append(hits.sum(1) / documents)
        macro_f1s.append(f1.mean(1))
    return {"accuracy": (accuracies[0], accuracies[1]), "macro_f1": (macro_f1s[0], macro_f1s[1])}


def _f1_by_label(targets: Labels, predicted: Labels, classes: int) -> Numbers:
    hits, support, chosen = (
        np.bincount(indices, minlength=classes) for indices in (targets[targets == predicted], targets, predicted)
    )
    f1: Numbers = 2 * hits / np.maximum(support + chosen, 1)
    return f1


def _slices(
    names: tuple[str, ...], member: Labels, right_a: npt.NDArray[np.bool_], right_b: npt.NDArray[np.bool_]
) -> list[Slice]:
    """Return a slice for each name; `member` (documents,) says which each document belongs to."""

    def count(which: npt.NDArray[np.bool_]) -> list[int]:
        return [int(n) for n in np.bincount(member[which], minlength=len(names))]

    documents = count(np.ones_like(right_a))
    hits_a, hits_b = count(right_a), count(right_b)
    only_a, only_b = count(right_a & ~right_b), count(right_b & ~right_a)
    p = np.ones(len(names))
    there = np.flatnonzero(documents)
    p[there] = holm(np.array([mcnemar(only_a[i], only_b[i]) for i in there]))
    return [
        Slice(
            name,
            documents[i],
            hits_a[i] / max(documents[i], 1),
            hits_b[i] / max(documents[i], 1),
            only_a[i],
            only_b[i],
            float(p[i]),
        )
        for i, name in enumerate(names)
    ]
