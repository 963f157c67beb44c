"""Scoring of labels by counts: of each label, how often it is right, predicted, and both."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from carousel.comparison.scoring import ClassScores, Numbers, Slicing, Statistics
from carousel.corpus import lengths
from carousel.metric import Metric
from carousel.tasks.classification.scores import METRICS

Integers = npt.NDArray[np.int64]


class LabelScoring:
    """Scores one label a document. A row of statistics is [1, hits, gold, predicted], the last three by label."""

    metrics: tuple[Metric, ...] = METRICS
    example = "document"

    def statistics(self, table: pl.DataFrame, classes: Sequence[str]) -> Statistics:
        """Return counts by label of predictions with the columns `actual` and `predicted`."""
        actual, predicted = (indices(table[column], classes) for column in ("actual", "predicted"))
        pairs, index = np.unique(actual * len(classes) + predicted, return_inverse=True)
        one_hot = np.eye(len(classes))
        gold, chosen = one_hot[pairs // len(classes)], one_hot[pairs % len(classes)]
        rows = np.hstack([np.ones((len(pairs), 1)), gold * chosen, gold, chosen])
        return Statistics(rows, index, actual == predicted)

    def score(self, sums: Numbers, classes: Sequence[str]) -> dict[str, Numbers]:
        """Return accuracy and macro-F1; a label that neither occurs nor is predicted has an F1 of 0."""
        documents, hits, gold, predicted = self._parts(sums, len(classes))
        f1 = 2 * hits / np.maximum(gold + predicted, 1)
        return {"accuracy": hits.sum(-1) / documents, "macro_f1": f1.mean(-1)}

    def by_class(self, sums: Numbers, classes: Sequence[str]) -> ClassScores:
        """Return F1 by label."""
        _, hits, gold, predicted = self._parts(sums, len(classes))
        f1 = 2 * hits / np.maximum(gold + predicted, 1)
        return ClassScores("label", tuple(classes), gold.astype(np.int64), f1)

    def slicings(self, table: pl.DataFrame, classes: Sequence[str]) -> list[Slicing]:
        """Divide documents by label and by length; the accuracy of a label's documents is its recall."""
        member = lengths.bucket(table["tokens"].to_numpy())
        return [
            Slicing("label", tuple(classes), indices(table["actual"], classes)),
            Slicing("length", lengths.NAMES, member),
        ]

    def agreement(self, a: pl.DataFrame, b: pl.DataFrame) -> float:
        """Return the fraction of documents that get the same label from both."""
        return float((a["predicted"] == b["predicted"]).sum() / a.height)

    def disagreements(
        self, a: pl.DataFrame, b: pl.DataFrame, classes: tuple[tuple[str, ...], tuple[str, ...]]
    ) -> pl.DataFrame:
        """Return the documents with different labels.

        How far apart: half the sum of the differences between their probabilities, from 0 to 1 (total variation).
        """
        union = tuple(sorted({*classes[0], *classes[1]}))
        spread = []
        for table, known in zip((a, b), classes, strict=True):
            probabilities = np.zeros((table.height, len(union)))
            probabilities[:, indices(pl.Series(known), union)] = table["probabilities"].to_numpy()
            spread.append(probabilities)
        apart = np.abs(spread[0] - spread[1]).sum(1) / 2
        return (
            b.select("id", "actual")
            .with_columns(
                a=a["predicted"], p_a=a["probability"], b=b["predicted"], p_b=b["probability"], apart=apart
            )
            .with_row_index("row")
            .filter(pl.col("a") != pl.col("b"))
        )

    @staticmethod
    def _parts(sums: Numbers, classes: int) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        hits, gold, predicted = (sums[..., 1 + i * classes : 1 + (i + 1) * classes] for i in range(3))
        return sums[..., 0], hits, gold, predicted


def indices(labels: pl.Series, classes: Sequence[str]) -> Integers:
    """Return each label's index in `classes`.

    Raises:
        KeyError: when it is not among them.
    """
    index = {label: i for i, label in enumerate(classes)}
    return np.array([index[label] for label in labels], dtype=np.int64)
