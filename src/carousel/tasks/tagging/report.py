"""What a tagger did on the test split: metrics, and tables of where it is wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import eq
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from carousel import calibration
from carousel.tasks.tagging import scores
from carousel.tasks.tagging.schemes import Span
from carousel.tasks.tagging.scores import METRICS, Intents, Statistics, Tags, Unit
from carousel.tasks.tagging.scoring import BUCKETS, EDGES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISSED, SPURIOUS = "(missed)", "(spurious)"  # a span that was not predicted, and one that is not right


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
        classes: the tags that the model knows; spans in BIO.
    """

    names: Sequence[str]
    tokens: Tags
    gold: Tags
    predicted: Tags
    known: Sequence[Sequence[bool]] | None = None
    probabilities: Sequence[Sequence[float]] | None = None
    intents: Intents | None = None
    classes: tuple[str, ...] = ()

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables of reports/tables, by name."""
        # a row a span, as DVC's plot counts them
        confusion = self.confusion().select(
            pl.col("actual").fill_null(SPURIOUS).repeat_by(self.unit).explode(),
            pl.col("predicted").fill_null(MISSED).repeat_by(self.unit).explode(),
        )
        main = METRICS[0].name
        by_length = self.by_length().with_columns(score=pl.col(main))
        found = {"confusion": confusion, "by_class": self.by_type(), "by_length": by_length}
        if self.known is not None:
            found["by_known"] = self.by_known()
        if self.probabilities is not None:
            found["calibration"] = self.calibration()
        return found

    def plots(self, model: str) -> "Iterator[tuple[str, Figure]]":
        """Draw the plots of MLflow, one after the other, each with its name."""
        from carousel.tasks.tagging import plots

        yield "confusion_matrix", plots.confusion(self, model)
        yield "f1_by_type", plots.f1_by_type(self, model)
        yield "score_by_length", plots.score_by_length(self, model)

    def predictions(self) -> pl.DataFrame:
        """Return a row a sentence: number of tokens, gold and predicted tags, lowest probability, intents."""
        none = [None] * len(self.names)
        gold, predicted = self.intents if self.intents is not None else (none, none)
        sentences = self.sentences()
        return pl.DataFrame(
            {
                "id": pl.Series(self.names, dtype=pl.String),
                "tokens": sentences["tokens"].list.len().cast(pl.Int64),
                "gold": sentences["gold"],
                "predicted": sentences["predicted"],
                "probability": sentences["probability"] if "probability" in sentences.columns else 1.0,
                "intent": pl.Series(gold, dtype=pl.String),
                "predicted_intent": pl.Series(predicted, dtype=pl.String),
            }
        )

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
        return (
            metrics
            if self.probabilities is None
            else metrics | {"calibration_error": calibration.expected_error(self.calibration())}
        )

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
            rows.append({"words": which, "tokens": tokens, "accuracy": accuracy})
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
        """Accuracy of tokens by the probability of their predicted tag, as in `calibration.table`.

        Raises:
            ValueError: the report has no probabilities.
        """
        if self.probabilities is None:
            raise ValueError("the report has no probabilities")
        probabilities = np.array([p for sentence in self.probabilities for p in sentence], dtype=np.float64)
        return calibration.table(probabilities, self._correct())

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
