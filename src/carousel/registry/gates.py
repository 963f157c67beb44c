"""Gates: what a version has to show before it becomes champion."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from carousel.comparison import paired, speed
from carousel.comparison.paired import Comparison, Difference, points
from carousel.errors import UserError
from carousel.metric import Metric
from carousel.params import Promotion
from carousel.registry import cases, versions
from carousel.registry.registered import Registered, test_documents


@dataclass(frozen=True)
class GateResult:
    """What a gate found.

    Attributes:
        gate: its name, the key of `promotion` in params.yaml.
        passed: None when it could not be measured, or when there is no champion to compare with.
        measured: what was measured, or why not.
        required: what should have been.
        measurable: False when it should have been measured and could not be.
    """

    gate: str
    passed: bool | None
    measured: str
    required: str
    measurable: bool = True

    @property
    def state(self) -> str:
        """One word for the table."""
        if not self.measurable:
            return "not measured"
        return {True: "passed", False: "failed", None: "skipped"}[self.passed]


class Candidacy:
    """A candidate, the champion if there is one, and what params.yaml asks."""

    def __init__(self, rules: Promotion, candidate: Registered, champion: Registered | None) -> None:
        self.rules = rules
        self.candidate = candidate
        self.champion = champion

    @cached_property
    def comparison(self) -> Comparison:
        """Of the champion (A) and the candidate (B), on the candidate's test data."""
        digest = self.candidate.digest
        return paired.compare(
            self.candidate.task.scoring, self.current.predictions(digest), self.candidate.predictions(digest)
        )

    @property
    def metric(self) -> Metric:
        """The metric that gates compare.

        Raises:
            UserError: when the candidate's task has no such metric.
        """
        task = self.candidate.task
        metrics = {metric.name: metric for metric in task.metrics}
        if self.rules.metric not in metrics:
            known = ", ".join(metrics)
            raise UserError(f"promotion.metric: a {task.noun} has {known}, not {self.rules.metric!r}")
        return metrics[self.rules.metric]

    @property
    def difference(self) -> Difference:
        """Of the metric that gates compare."""
        return self.comparison.metrics[self.metric.name]

    @property
    def current(self) -> Registered:
        """The champion, where gates that need one ask for it."""
        assert self.champion is not None
        return self.champion


Measured = tuple[bool, str, str]  # passed, measured, required


@dataclass(frozen=True)
class Gate:
    """How a gate measures, and whether it means anything without a champion."""

    measure: Callable[[Candidacy, Any], Measured]
    beside_champion: bool = False


def floor(candidacy: Candidacy, least: float) -> Measured:
    """Ask for a test metric of at least so much."""
    metric = candidacy.metric
    found = candidacy.candidate.metric(f"{versions.TEST}{metric.name}")
    return found >= least, f"{metric.title} {found:.4f}", f"at least {least:g}"


def baseline(candidacy: Candidacy, _on: bool) -> Measured:
    """Ask for a test metric of at least the baseline's on the same data."""
    metric, noun = candidacy.metric, candidacy.candidate.task.baseline_noun
    found = candidacy.candidate.metric(f"{versions.TEST}{metric.name}")
    reached = candidacy.candidate.metric(f"{versions.BASELINE}{metric.name}")
    return found >= reached, f"{metric.title} {found:.4f}", f"at least the {noun}'s {reached:.4f}"


def not_worse(candidacy: Candidacy, margin: float) -> Measured:
    """Ask for a metric that is not below the champion's by more than a margin."""
    found = candidacy.difference
    # the last digit of a sum of shares is no difference
    return (
        found.difference >= -margin - 1e-12,
        _difference(candidacy),
        f"no more than {100 * margin:g} points worse",
    )


def better(candidacy: Candidacy, confidence: float) -> Measured:
    """Ask that in so many of the paired bootstrap's resamples the candidate is better."""
    found = candidacy.difference.confidence()
    return found >= confidence, f"better at confidence {found:.3f}", f"at least {confidence:g}"


def slices(candidacy: Candidacy, margin: float) -> Measured:
    """Ask that in no slice, such as a label or a range of lengths, the metric is much worse than the champion's."""
    least, example = candidacy.rules.slice_documents, candidacy.comparison.example
    large = [
        (f"{kind} {part.name}", part)
        for kind, parts in candidacy.comparison.slices.items()
        for part in parts
        if part.examples >= least
    ]
    required = f"none more than {100 * margin:g} points worse"
    if not large:
        return True, f"none has {least} {example}s", required
    name, worst = min(large, key=lambda pair: pair[1].difference)
    measured = (
        f"{name}: {points(worst.difference)} points of {worst.examples} {example}s, the lowest of {len(large)}"
    )
    return worst.difference >= -margin - 1e-12, measured, required


def size(candidacy: Candidacy, factor: float) -> Measured:
    """Ask for a bundle of at most so many times the champion's bytes."""
    ours, theirs = candidacy.candidate.bytes, candidacy.current.bytes
    measured = f"{ours / 1e6:.2f} MB, {ours / theirs:.2f} times the champion's {theirs / 1e6:.2f}"
    return ours <= factor * theirs, measured, f"at most {factor:g} times"


def milliseconds(candidacy: Candidacy, factor: float) -> Measured:
    """Ask for at most so many times the champion's milliseconds a document, both measured now, taking turns."""
    task = candidacy.candidate.task
    documents = test_documents(task, candidacy.candidate.version, candidacy.candidate.digest)
    predictors = [candidacy.candidate.predictor, candidacy.current.predictor]
    ours, theirs = speed.milliseconds(predictors, task.inputs(documents))
    measured = f"{ours:.2f} ms per {task.scoring.example}, {ours / theirs:.2f} times the champion's {theirs:.2f}"
    return ours <= factor * theirs, measured, f"at most {factor:g} times"


def behaviour(candidacy: Candidacy, file: str) -> Measured:
    """Ask for the right prediction for every case of a file."""
    checked = cases.check(candidacy.candidate.predictor, cases.load(Path(file)))
    first = f"; {checked.wrong[0]}" if checked.wrong else ""
    right = checked.cases - len(checked.wrong)
    return not checked.wrong, f"{right} of {checked.cases} right{first}", f"all of {file}"


GATES: dict[str, Gate] = {  # the keys of `promotion` in params.yaml
    "floor": Gate(floor),
    "baseline": Gate(baseline),
    "not_worse": Gate(not_worse, beside_champion=True),
    "better": Gate(better, beside_champion=True),
    "slices": Gate(slices, beside_champion=True),
    "size": Gate(size, beside_champion=True),
    "speed": Gate(milliseconds, beside_champion=True),
    "cases": Gate(behaviour),
}


def measure(candidacy: Candidacy) -> tuple[GateResult, ...]:
    """Put a candidate through every gate that params.yaml sets."""
    return tuple(
        _result(name, gate, candidacy, required)
        for name, gate in GATES.items()
        if (required := getattr(candidacy.rules, name)) is not None and required is not False
    )


def _result(name: str, gate: Gate, candidacy: Candidacy, required: Any) -> GateResult:
    if gate.beside_champion and candidacy.champion is None:
        return GateResult(name, None, "no champion to compare with", str(required))
    try:
        passed, measured, wanted = gate.measure(candidacy, required)
    except UserError as error:
        return GateResult(name, None, str(error), str(required), measurable=False)
    return GateResult(name, passed, measured, wanted)


def _difference(candidacy: Candidacy) -> str:
    found = candidacy.difference
    level = f"{100 * candidacy.comparison.level:g} %"
    return (
        f"{candidacy.metric.title} {found.b:.4f}, {points(found.difference)} points from {found.a:.4f} "
        f"({level} {points(found.low)} to {points(found.high)})"
    )
