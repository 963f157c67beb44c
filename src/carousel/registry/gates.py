"""Gates: what a version has to show before it becomes champion."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from carousel.comparison import predictions, speed
from carousel.comparison.paired import Comparison, Difference, points
from carousel.errors import UserError
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
        return predictions.compare(self.current.predictions(digest), self.candidate.predictions(digest))

    @property
    def difference(self) -> Difference:
        """Of the metric that gates compare."""
        return self.comparison.metrics[self.rules.metric]

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
    metric = candidacy.rules.metric
    found = float(candidacy.candidate.recorded(versions.TEST[metric]))
    return found >= least, f"{_named(metric)} {found:.4f}", f"at least {least:g}"


def baseline(candidacy: Candidacy, _on: bool) -> Measured:
    """Ask for a test metric of at least the linear baseline's on the same data."""
    metric = candidacy.rules.metric
    found = float(candidacy.candidate.recorded(versions.TEST[metric]))
    linear = float(candidacy.candidate.recorded(versions.BASELINES[metric]))
    return found >= linear, f"{_named(metric)} {found:.4f}", f"at least the linear baseline's {linear:.4f}"


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
    """Ask that of no label's and no length's documents many more go wrong than the champion gets wrong."""
    least = candidacy.rules.slice_documents
    large = [
        (f"{kind} {part.name}", part)
        for kind, parts in (("label", candidacy.comparison.by_label), ("length", candidacy.comparison.by_length))
        for part in parts
        if part.documents >= least
    ]
    required = f"none more than {100 * margin:g} points worse"
    if not large:
        return True, f"none has {least} documents", required
    name, worst = min(large, key=lambda pair: pair[1].difference)
    measured = (
        f"{name}: {points(worst.difference)} points of {worst.documents} documents, the lowest of {len(large)}"
    )
    return worst.difference >= -margin - 1e-12, measured, required


def size(candidacy: Candidacy, factor: float) -> Measured:
    """Ask for a bundle of at most so many times the champion's bytes."""
    ours, theirs = candidacy.candidate.bytes, candidacy.current.bytes
    measured = f"{ours / 1e6:.2f} MB, {ours / theirs:.2f} times the champion's {theirs / 1e6:.2f}"
    return ours <= factor * theirs, measured, f"at most {factor:g} times"


def milliseconds(candidacy: Candidacy, factor: float) -> Measured:
    """Ask for at most so many times the champion's milliseconds a document, both measured now, taking turns."""
    texts = test_documents(candidacy.candidate.version, candidacy.candidate.digest)["text"].to_list()
    ours, theirs = speed.milliseconds([candidacy.candidate.bundle, candidacy.current.bundle], texts)
    measured = f"{ours:.2f} ms a document, {ours / theirs:.2f} times the champion's {theirs:.2f}"
    return ours <= factor * theirs, measured, f"at most {factor:g} times"


def behaviour(candidacy: Candidacy, file: str) -> Measured:
    """Ask for the right prediction for every case of a file."""
    checked = cases.check(candidacy.candidate.bundle, cases.load(Path(file)))
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
        f"{_named(candidacy.rules.metric)} {found.b:.4f}, {points(found.difference)} points from {found.a:.4f} "
        f"({level} {points(found.low)} to {points(found.high)})"
    )


def _named(metric: str) -> str:
    return {"macro_f1": "macro-F1"}.get(metric, metric)
