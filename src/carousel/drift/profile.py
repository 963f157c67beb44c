"""A profile: counts of what a model was asked and of what it predicted. No text can be had back from it."""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

FORMAT = "carousel profile 1"

# Upper ends of the bins, which belong to them. A last bin holds what is longer
LENGTHS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)
# A trained model is confident of most examples, so the bins are narrower towards 1
CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
MILLION = 1_000_000  # a confidence is summed as an integer, so that sums do not depend on their order


@dataclass
class Profile:
    """Counts over examples; those of two profiles can be added.

    Attributes:
        examples: how many were predicted.
        tokens: of all examples, before long ones were cut.
        unknown: tokens that are out of vocabulary.
        tokens_squared: sum over examples of tokens². This and the next two give the variance of the
            out-of-vocabulary rate, whose tokens come in examples and not one by one.
        tokens_unknown: sum over examples of tokens * unknown.
        unknown_squared: sum over examples of unknown².
        lengths: examples by number of tokens, shape (len(LENGTHS) + 1,).
        classes: predicted classes by name; an example may have several, such as the types of its spans.
        confidences: examples by confidence, shape (len(CONFIDENCES),).
        confidence: sum over examples, in millionths.
    """

    examples: int = 0
    tokens: int = 0
    unknown: int = 0
    tokens_squared: int = 0
    tokens_unknown: int = 0
    unknown_squared: int = 0
    lengths: list[int] = field(default_factory=lambda: [0] * (len(LENGTHS) + 1))
    classes: Counter[str] = field(default_factory=Counter)
    confidences: list[int] = field(default_factory=lambda: [0] * len(CONFIDENCES))
    confidence: int = 0

    def add(self, tokens: int, unknown: int, classes: Sequence[str], confidence: float) -> None:
        """Count one example.

        Args:
            tokens: how many it has, before it is cut.
            unknown: how many of them are out of vocabulary.
            classes: that were predicted (`Prediction.classes`).
            confidence: of the prediction, from 0 to 1 (`Prediction.confidence`).
        """
        self.examples += 1
        self.tokens += tokens
        self.unknown += unknown
        self.tokens_squared += tokens * tokens
        self.tokens_unknown += tokens * unknown
        self.unknown_squared += unknown * unknown
        self.lengths[bisect_left(LENGTHS, tokens)] += 1
        for name in classes:
            self.classes[name] += 1
        bounded = min(max(confidence, 0.0), 1.0)  # a sum of probabilities may round to a little more than 1
        self.confidences[bisect_left(CONFIDENCES, bounded)] += 1
        self.confidence += round(bounded * MILLION)

    def __add__(self, other: "Profile") -> "Profile":
        """Return the counts of both."""
        return Profile(**{name: _sum(value, getattr(other, name)) for name, value in vars(self).items()})

    @property
    def unknown_rate(self) -> float:
        """Fraction of tokens that are out of vocabulary; 0 without tokens."""
        return self.unknown / self.tokens if self.tokens else 0.0

    @property
    def mean_confidence(self) -> float:
        """Mean over examples; 0 without examples."""
        return self.confidence / MILLION / self.examples if self.examples else 0.0

    def to_json(self) -> str:
        """Return the canonical text: JSON with a format line, classes in alphabetical order."""
        values = {
            name: dict(sorted(value.items())) if name == "classes" else value for name, value in vars(self).items()
        }
        return json.dumps({"format": FORMAT, **values}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, content: str) -> "Profile":
        """Read what `to_json` wrote.

        Raises:
            ValueError: when the content is not a profile of this format.
        """
        try:
            values = json.loads(content)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"is not valid JSON ({error})") from error
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise ValueError(f"does not say {FORMAT!r}")
        empty = vars(cls())
        if set(values) != set(empty):
            raise ValueError(f"should have the fields {', '.join(empty)}")
        for name, value in values.items():
            if not _fits(value, empty[name]):
                raise ValueError(f"has no counts in {name}")
        return cls(**values | {"classes": Counter(values["classes"])})


def length_names() -> list[str]:
    """Return the names of the bins of lengths: `0`, `5-6`, `4097+`."""
    names = [str(LENGTHS[0])]
    names += [str(high) if high == low + 1 else f"{low + 1}-{high}" for low, high in pairwise(LENGTHS)]
    return [*names, f"{LENGTHS[-1] + 1}+"]


def confidence_names() -> list[str]:
    """Return the names of the bins of confidence: `0-0.1`, `0.99-1`."""
    return [f"{low:g}-{high:g}" for low, high in pairwise((0.0, *CONFIDENCES))]


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, list):
        return [a + b for a, b in zip(one, other, strict=True)]
    return one + other


def _fits(value: Any, empty: Any) -> bool:
    if isinstance(empty, Counter):
        return isinstance(value, dict) and all(map(_is_count, value.values()))
    if isinstance(empty, list):
        return isinstance(value, list) and len(value) == len(empty) and all(map(_is_count, value))
    return _is_count(value)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0
