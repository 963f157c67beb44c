"""What a tagger did on the test split: metrics, and tables of where it is wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import eq
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from carousel.evaluation.report import BINS
from carousel.tasks.tagging import scores
from carousel.tasks.tagging.schemes import Span
from carousel.tasks.tagging.scores import Intents, Statistics, Tags, Unit

EDGES = (5, 10, 15, 20, 30, 40, 60)  # of buckets of sentence length, in tokens
BUCKETS = (*(f"{low + 1}-{high}" for low, high in zip((0, *EDGES), EDGES, strict=False)), f"{EDGES[-1] + 1}+")


@dataclass(frozen=True)
class TaggingReport:
    """Gold and predicted tags of each sentence, with the metrics and tables that follow from them.

    Attributes:
        names: of the sentences.
        tokens: of each sentence.
        gold: the right tag of each token.
        predicted: the model's tag of each token.
        known: whether the model's vocabulary has the token; None leaves out `by_known`.
        probabilities: that the model gives to the predicted tag of each token; None leaves out `calibration`.
        intents: of the sentences, if they have some.
    """

    names: Sequence[str]
    tokens: Tags
    gold: Tags
    predicted: Tags
    known: Sequence[Sequence[bool]] | None = None
    probabilities: Sequence[Sequence[float]] | None = None
    intents: Intents | None = None

    @cached_property
    def statistics(self) -> Statistics:
        """Counts of each sentence, from which all scores follow."""
        return scores.statistics(self.gold, self.predicted, self.intents)

    @cached_property
    def unit(self) -> Unit:
        """What is scored: spans, or tags of single tokens."""
        return scores.unit_of(self.gold, self.predicted)

    def metrics(self) -> dict[str, float]:
        """Return what `scores.score` does; with probabilities, also the expected calibration error of tokens."""
        found = scores.score(self.statistics.sums, self.statistics.names)
        metrics = {name: float(value) for name, value in found.items()}
        return metrics if self.probabilities is None else metrics | {"calibration_error": self._calibration_error()}

    def by_type(self) -> pl.DataFrame:
        """Precision, recall, F1 and support of each type of span or each tag, most frequent first."""
        found = scores.by_type(self.statistics.sums, self.statistics.names)
        return pl.DataFrame(
            {
                "type": pl.Series(found.types, dtype=pl.String),
                "precision": found.precision,
                "recall": found.recall,
                "f1": found.f1,
                "support": found.support.astype(np.int64),
            }
        ).sort("support", "type", descending=[True, False])

    def by_length(self) -> pl.DataFrame:
        """Scores of each bucket of sentence length that has sentences."""
        names, values = self.statistics.names, self.statistics.values
        buckets = np.searchsorted(EDGES, values[:, names.index("tokens")])
        sums = np.zeros((len(BUCKETS), len(names)), dtype=np.int64)
        np.add.at(sums, buckets, values)
        used = np.unique(buckets)
        return pl.DataFrame(
            {
                "tokens": pl.Series([BUCKETS[i] for i in used], dtype=pl.String),
                **scores.score(sums[used], names),
                "sentences": sums[used, names.index("sentences")],
            }
        )

    def by_known(self) -> pl.DataFrame:
        """Scores of known and of unknown words: of tokens and, where tags write spans, of spans.

        A span is of unknown words if one of its words is unknown.

        Raises:
            ValueError: the report does not say which words are known.
        """
        if self.known is None:
            raise ValueError("the report does not say which words are known")
        known, correct = _flat(self.known), self._correct()
        rows = []
        for which, mask in (("known", known), ("unknown", ~known)):
            tokens = int(mask.sum())
            accuracy = float(correct[mask].mean()) if tokens else 0.0
            rows.append({"words": which, "tokens": tokens, "token_accuracy": accuracy})
        if self.unit == "spans":
            rows = [row | of_spans for row, of_spans in zip(rows, self._spans_by_known(self.known), strict=True)]
        return pl.DataFrame(rows)

    def confusion(self) -> pl.DataFrame:
        """How many spans of each type were predicted as which, with the same start and end, the most first.

        `predicted` is null where no span was predicted with these boundaries, `actual` where none is right. Where
        tags are not spans, each token counts, and nothing is null.
        """
        counts: Counter[tuple[str | None, str | None]] = Counter()
        for gold, predicted in self._units():
            right, given = ({(span.start, span.end): span.type for span in side} for side in (gold, predicted))
            counts.update((right.get(ends), given.get(ends)) for ends in right.keys() | given.keys())
        rows = [(*pair, count) for pair, count in counts.items()]
        schema = {"actual": pl.String, "predicted": pl.String, self.unit: pl.Int64}
        return pl.DataFrame(rows, schema, orient="row").sort(
            self.unit, "actual", "predicted", descending=[True, False, False], nulls_last=True
        )

    def sentences(self) -> pl.DataFrame:
        """Every sentence with its tokens, tags, number of wrong tags, and, if available, probability and intents.

        The `probability` of a sentence is that of its least probable tag.
        """
        values, names = self.statistics.values, self.statistics.names
        columns: dict[str, Any] = {
            "name": pl.Series(self.names, dtype=pl.String),
            "tokens": pl.Series(self.tokens, dtype=pl.List(pl.String)),
            "gold": pl.Series(self.gold, dtype=pl.List(pl.String)),
            "predicted": pl.Series(self.predicted, dtype=pl.List(pl.String)),
            "wrong": values[:, names.index("tokens")] - values[:, names.index("correct")],
        }
        if self.known is not None:
            columns["known"] = pl.Series(self.known, dtype=pl.List(pl.Boolean))
        if self.probabilities is not None:
            columns["probability"] = [min(sentence, default=1.0) for sentence in self.probabilities]
        if self.intents is not None:
            columns["intent"] = pl.Series(self.intents.gold, dtype=pl.String)
            columns["predicted_intent"] = pl.Series(self.intents.predicted, dtype=pl.String)
        return pl.DataFrame(columns)

    def worst(self, count: int = 50) -> pl.DataFrame:
        """Return rows of `sentences` with errors, at most `count`: most wrong tags first, then least probable."""
        by = ["wrong"] if self.probabilities is None else ["wrong", "probability"]
        exact = pl.Series(self.statistics.values[:, self.statistics.names.index("exact")] == 1)
        found = self.sentences().filter(~exact)
        return found.sort(by, descending=[name == "wrong" for name in by], maintain_order=True).head(count)

    def calibration(self) -> pl.DataFrame:
        """Accuracy of tokens by the probability of their predicted tag, in those of `BINS` ranges that occur.

        Raises:
            ValueError: the report has no probabilities.
        """
        if self.probabilities is None:
            raise ValueError("the report has no probabilities")
        probabilities = np.array([p for sentence in self.probabilities for p in sentence], dtype=np.float64)
        return (
            pl.DataFrame({"probability": probabilities, "correct": self._correct()})
            .with_columns(bin=(pl.col("probability") * BINS).ceil().clip(1, BINS).cast(pl.Int64))
            .group_by("bin")
            .agg(pl.col("probability").mean(), accuracy=pl.col("correct").mean(), tokens=pl.len())
            .sort("bin")
            .select(
                ((pl.col("bin") - 1) / BINS).alias("above"),
                (pl.col("bin") / BINS).alias("to"),
                "probability",
                "accuracy",
                "tokens",
            )
        )

    def _calibration_error(self) -> float:
        """Mean distance between probability and accuracy, over tokens (Guo et al. 2017, equation 3)."""
        table = self.calibration()
        distance = (table["probability"] - table["accuracy"]).abs()
        return float(np.average(distance, weights=table["tokens"])) if table.height else 0.0

    def _correct(self) -> npt.NDArray[np.bool_]:
        """Return whether the tag of each token of all sentences is right, shape (tokens,)."""
        return _flat([list(map(eq, gold, tags)) for gold, tags in zip(self.gold, self.predicted, strict=True)])

    def _units(self) -> list[tuple[list[Span], list[Span]]]:
        """Return the gold and the predicted spans of each sentence."""
        pairs = zip(self.gold, self.predicted, strict=True)
        return [(scores.units(gold, self.unit), scores.units(predicted, self.unit)) for gold, predicted in pairs]

    def _spans_by_known(self, known: Sequence[Sequence[bool]]) -> list[dict[str, Any]]:
        """Return scores of spans of known words only, and of spans with an unknown word."""
        counts = np.zeros((2, len(scores.OF_TYPE)), dtype=np.int64)
        for (gold, predicted), is_known in zip(self._units(), known, strict=True):
            for i, found in enumerate((set(gold).intersection(predicted), predicted, gold)):
                for span in found:
                    counts[int(not all(is_known[span.start : span.end])), i] += 1
        names = [f"spans/{name}/{which}" for which in ("known", "unknown") for name in scores.OF_TYPE]
        _, *columns = scores.by_type(counts.ravel(), names)
        return [
            {"precision": precision, "recall": recall, "f1": f1, "spans": int(support)}
            for precision, recall, f1, support in zip(*(column.tolist() for column in columns), strict=True)
        ]


def _flat(values: Sequence[Sequence[bool]]) -> npt.NDArray[np.bool_]:
    """Return the values of all sentences, shape (tokens,)."""
    return np.array([value for sentence in values for value in sentence], dtype=bool)
