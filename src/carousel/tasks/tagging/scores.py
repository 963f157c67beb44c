"""Scores of predicted tags as functions of counts that are summed over sentences.

The counts of a sentence are a row. Every score of a set of sentences follows from the sum of their rows, so that a
bootstrap over sentences is a matrix product: `score(weights @ values, names)`.

Spans are those of `schemes.spans`, which reads invalid BIO by the rule of conlleval. A span is right if its start,
its end and its type are. Tags that do not write spans, such as parts of speech, count as spans of one token each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import eq
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from carousel.metric import Metric
from carousel.tasks.tagging import schemes
from carousel.tasks.tagging.schemes import Span

Unit = Literal["spans", "tags"]
Tags = Sequence[Sequence[str]]  # of each token of each sentence
Numbers = npt.NDArray[np.float64]
OF_TYPE = ("true_positives", "predicted", "gold")
METRICS = (Metric("f1", "F1"), Metric("accuracy", "token accuracy"), Metric("exact_match", "exact match"))


class Intents(NamedTuple):
    """An intent for each sentence; a sentence whose gold intent is None is not scored."""

    gold: Sequence[str | None]
    predicted: Sequence[str | None]


class TypeScores(NamedTuple):
    """Scores of each type of span, or of each tag; 0 where undefined.

    Attributes:
        types: their names.
        precision: shape (*, types), like the rest.
        recall: of the gold spans.
        f1: the harmonic mean of both.
        support: how many gold spans there are.
    """

    types: tuple[str, ...]
    precision: Numbers
    recall: Numbers
    f1: Numbers
    support: Numbers


@dataclass(frozen=True)
class Statistics:
    """Counts of each sentence.

    Attributes:
        names: of the k columns: `sentences`, `exact`, `tokens`, `correct`; with intents, `intents` and
            `intent_correct`; for each type, `<unit>/true_positives/<type>`, `<unit>/predicted/<type>` and
            `<unit>/gold/<type>`.
        values: shape (sentences, k).
    """

    names: tuple[str, ...]
    values: npt.NDArray[np.int64]

    @property
    def sums(self) -> npt.NDArray[np.int64]:
        """Counts of all sentences together, shape (k,)."""
        total: npt.NDArray[np.int64] = self.values.sum(0)
        return total


def unit_of(*tags: Tags) -> Unit:
    """Return whether these tags write spans, or are labels of single tokens."""
    return "spans" if schemes.is_spans(chain.from_iterable(chain.from_iterable(tags))) else "tags"


def units(tags: Sequence[str], unit: Unit) -> list[Span]:
    """Return what is scored in a sentence: its spans, or each token with its tag."""
    return schemes.spans(tags) if unit == "spans" else [Span(i, i + 1, tag) for i, tag in enumerate(tags)]


def statistics(
    gold: Tags,
    predicted: Tags,
    intents: Intents | None = None,
    *,
    unit: Unit | None = None,
    types: Sequence[str] | None = None,
) -> Statistics:
    """Count, in each sentence, what the scores need.

    Args:
        gold: the right tags.
        predicted: as many for each sentence.
        intents: of the same sentences.
        unit: what the tags write; None lets `unit_of` decide.
        types: the types that get columns, such that two models have the same ones; None takes those that occur.

    Raises:
        ValueError: the sentences or their lengths differ, or a type that occurs is missing from `types`.
    """
    lengths, others = ([len(sentence) for sentence in tags] for tags in (gold, predicted))
    if lengths != others:
        raise ValueError("gold and predicted tags differ in their number of sentences or tokens")
    unit = unit or unit_of(gold, predicted)
    pairs = [(units(one, unit), units(other, unit)) for one, other in zip(gold, predicted, strict=True)]
    occurring = sorted({span.type for pair in pairs for side in pair for span in side})
    if missing := set(occurring) - set(occurring if types is None else types):
        raise ValueError(f"types without a column: {', '.join(sorted(missing))}")
    types = tuple(occurring if types is None else types)
    columns = {type_: i for i, type_ in enumerate(types)}
    by_type = np.zeros((len(pairs), len(types), len(OF_TYPE)), dtype=np.int64)
    for row, (right, given) in zip(by_type, pairs, strict=True):
        for i, found in enumerate((set(right).intersection(given), given, right)):
            for span in found:
                row[columns[span.type], i] += 1
    correct = [sum(map(eq, one, other)) for one, other in zip(gold, predicted, strict=True)]
    exact = np.equal(correct, lengths)
    counts: dict[str, Any] = {
        "sentences": np.ones(len(pairs)),
        "exact": exact,
        "tokens": lengths,
        "correct": correct,
    }
    if intents is not None:
        scored = np.array([intent is not None for intent in intents.gold], dtype=bool)
        hits = scored & np.array([one == other for one, other in zip(*intents, strict=True)], dtype=bool)
        counts |= {"exact": exact & (hits | ~scored), "intents": scored, "intent_correct": hits}
    values = np.column_stack([*counts.values(), by_type.reshape(len(pairs), len(types) * len(OF_TYPE))])
    return Statistics(columns_of(unit, types, intents is not None), values.astype(np.int64))


def columns_of(unit: Unit, types: Sequence[str], intents: bool) -> tuple[str, ...]:
    """Return the names of the columns of `Statistics`."""
    counts = ("sentences", "exact", "tokens", "correct", *(("intents", "intent_correct") if intents else ()))
    return (*counts, *(f"{unit}/{name}/{type_}" for type_ in types for name in OF_TYPE))


def score(sums: npt.ArrayLike, names: Sequence[str]) -> dict[str, Numbers]:
    """Return the scores of summed counts, each of shape (*,); 0 where undefined.

    `f1` over all spans (micro); of tags that are no spans, this is the accuracy. `accuracy` of tokens.
    `exact_match`, the fraction of sentences whose tags and intent are all right. `macro_f1` of tags that are no
    spans, the mean over those that occur or are predicted. `intent_accuracy`, of sentences with an intent.

    Args:
        sums: of `Statistics.values`, with any weights, shape (*, k).
        names: of the columns.
    """
    sums = np.asarray(sums, dtype=np.float64)
    found = {name: sums[..., i] for i, name in enumerate(names)}
    unit, _, (hits, predicted, gold) = _of_types(sums, names)
    scores = {
        "f1": _ratio(2 * hits.sum(-1), predicted.sum(-1) + gold.sum(-1)),
        "accuracy": _ratio(found["correct"], found["tokens"]),
        "exact_match": _ratio(found["exact"], found["sentences"]),
    }
    if unit == "tags":
        occurs = predicted + gold > 0
        scores["macro_f1"] = _ratio(_ratio(2 * hits, predicted + gold).sum(-1), occurs.sum(-1))
    if "intents" in found:
        scores["intent_accuracy"] = _ratio(found["intent_correct"], found["intents"])
    return scores


def by_type(sums: npt.ArrayLike, names: Sequence[str]) -> TypeScores:
    """Return precision, recall, F1 and support of each type; arguments as of `score`."""
    _, types, (hits, predicted, gold) = _of_types(np.asarray(sums, dtype=np.float64), names)
    return TypeScores(types, _ratio(hits, predicted), _ratio(hits, gold), _ratio(2 * hits, predicted + gold), gold)


def _of_types(sums: Numbers, names: Sequence[str]) -> tuple[str, tuple[str, ...], tuple[Numbers, Numbers, Numbers]]:
    """Return the unit, the types, and true positives, predicted and gold spans, each of shape (*, types)."""
    parts = [(i, name.split("/", 2)) for i, name in enumerate(names) if "/" in name]
    columns = {what: [i for i, (_, name, _) in parts if name == what] for what in OF_TYPE}
    types = tuple(type_ for _, (_, name, type_) in parts if name == "gold")
    hits, predicted, gold = (sums[..., columns[what]] for what in OF_TYPE)
    return parts[0][1][0] if parts else "spans", types, (hits, predicted, gold)


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Numbers:
    """Return part / whole, 0 where the whole is 0."""
    ratio: Numbers = np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) != 0)
    return ratio
