"""Gates: what a version has to show before it becomes champion."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from carousel.errors import UserError
from carousel.evaluation import predictions, speed
from carousel.evaluation.comparison import Comparison, Difference, points
from carousel.params import Promotion
from carousel.registry import cases, versions
from carousel.registry.registered import Registered, test_documents


@dataclass(frozen=True)
class Outcome:
    """What a gate found.

    Attributes:
        gate: its name, the key of `promotion` in params.yaml.
        passed: None when it could not be measured, or when there is no champion to stand beside.
        figure: what was measured, or why not.
        asked: what should have been.
        measurable: False when it should have been measured and could not be.
    """

    gate: str
    passed: bool | None
    figure: str
    asked: str
    measurable: bool = True

    @property
    def state(self) -> str:
        """One word for the table."""
        if not self.measurable:
            return "not measured"
        return {True: "passed", False: "failed", None: "skipped"}[self.passed]


class Trial:
    """A candidate, the champion if there is one, and what params.yaml asks."""

    def __init__(self, rules: Promotion, candidate: Registered, champion: Registered | None) -> None:
        self.rules = rules
        self.candidate = candidate
        self.champion = champion

    @cached_property
    def comparison(self) -> Comparison:
        """Of the champion (A) and the candidate (B), on the candidate's test data."""
        digest = self.candidate.digest
        return predictions.compare(self.reigning.predictions(digest), self.candidate.predictions(digest))

    @property
    def difference(self) -> Difference:
        """Of the metric that gates compare."""
        return self.comparison.metrics[self.rules.metric]

    @property
    def reigning(self) -> Registered:
        """The champion, where gates that need one ask for it."""
        assert self.champion is not None
        return self.champion


Measured = tuple[bool, str, str]  # passed, figure, asked


@dataclass(frozen=True)
class Gate:
    """How a gate measures, and whether it means anything without a champion."""

    measure: Callable[[Trial, Any], Measured]
    beside_champion: bool = False


def floor(trial: Trial, least: float) -> Measured:
    """Ask for a test figure of at least so much."""
    metric = trial.rules.metric
    found = float(trial.candidate.recorded(versions.TEST[metric]))
    return found >= least, f"{_named(metric)} {found:.4f}", f"at least {least:g}"


def baseline(trial: Trial, _on: bool) -> Measured:
    """Ask for a test figure of at least the linear baseline's on the same data."""
    metric = trial.rules.metric
    found = float(trial.candidate.recorded(versions.TEST[metric]))
    linear = float(trial.candidate.recorded(versions.BASELINES[metric]))
    return found >= linear, f"{_named(metric)} {found:.4f}", f"at least the linear baseline's {linear:.4f}"


def not_worse(trial: Trial, margin: float) -> Measured:
    """Ask for a figure that is not below the champion's by more than a margin."""
    found = trial.difference
    # the last digit of a sum of shares is no difference
    return found.difference >= -margin - 1e-12, _difference(trial), f"no more than {100 * margin:g} points worse"


def better(trial: Trial, confidence: float) -> Measured:
    """Ask that in so many of the paired bootstrap's resamples the candidate is better."""
    found = trial.difference.confidence()
    return found >= confidence, f"better at confidence {found:.3f}", f"at least {confidence:g}"


def slices(trial: Trial, margin: float) -> Measured:
    """Ask that of no label's and no length's documents many more go wrong than the champion gets wrong."""
    least = trial.rules.slice_documents
    large = [
        (f"{kind} {part.name}", part)
        for kind, parts in (("label", trial.comparison.by_label), ("length", trial.comparison.by_length))
        for part in parts
        if part.documents >= least
    ]
    asked = f"none more than {100 * margin:g} points worse"
    if not large:
        return True, f"none has {least} documents", asked
    name, worst = min(large, key=lambda pair: pair[1].difference)
    figure = f"{name}: {points(worst.difference)} points of {worst.documents} documents, the lowest of {len(large)}"
    return worst.difference >= -margin - 1e-12, figure, asked


def size(trial: Trial, factor: float) -> Measured:
    """Ask for a bundle of at most so many times the champion's bytes."""
    ours, theirs = trial.candidate.bytes, trial.reigning.bytes
    figure = f"{ours / 1e6:.2f} MB, {ours / theirs:.2f} times the champion's {theirs / 1e6:.2f}"
    return ours <= factor * theirs, figure, f"at most {factor:g} times"


def milliseconds(trial: Trial, factor: float) -> Measured:
    """Ask for at most so many times the champion's milliseconds a document, both measured now, taking turns."""
    texts = test_documents(trial.candidate.version, trial.candidate.digest)["text"].to_list()
    ours, theirs = speed.milliseconds([trial.candidate.bundle, trial.reigning.bundle], texts)
    figure = f"{ours:.2f} ms a document, {ours / theirs:.2f} times the champion's {theirs:.2f}"
    return ours <= factor * theirs, figure, f"at most {factor:g} times"


def behaviour(trial: Trial, file: str) -> Measured:
    """Ask for the right prediction for every case of a file."""
    checked = cases.check(trial.candidate.bundle, cases.load(Path(file)))
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


def measure(trial: Trial) -> tuple[Outcome, ...]:
    """Put a candidate through every gate that params.yaml sets."""
    return tuple(
        _outcome(name, gate, trial, asked)
        for name, gate in GATES.items()
        if (asked := getattr(trial.rules, name)) is not None and asked is not False
    )


def _outcome(name: str, gate: Gate, trial: Trial, asked: Any) -> Outcome:
    if gate.beside_champion and trial.champion is None:
        return Outcome(name, None, "no champion to stand beside", str(asked))
    try:
        passed, figure, wanted = gate.measure(trial, asked)
    except UserError as error:
        return Outcome(name, None, str(error), str(asked), measurable=False)
    return Outcome(name, passed, figure, wanted)


def _difference(trial: Trial) -> str:
    found = trial.difference
    level = f"{100 * trial.comparison.level:g} %"
    return (
        f"{_named(trial.rules.metric)} {found.b:.4f}, {points(found.difference)} points from {found.a:.4f} "
        f"({level} {points(found.low)} to {points(found.high)})"
    )


def _named(metric: str) -> str:
    return {"macro_f1": "macro-F1"}.get(metric, metric)
