"""Scoring of tagged sentences by counts of spans, so that two models can be compared."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from carousel.comparison.scoring import ClassScores, Numbers, Slicing, Statistics
from carousel.metric import Metric
from carousel.tasks.tagging import schemes, scores
from carousel.tasks.tagging.scores import METRICS, Intents, Unit

EDGES = (5, 10, 15, 20, 30, 40, 60)  # of buckets of sentence length, in tokens
BUCKETS = (*(f"{low + 1}-{high}" for low, high in zip((0, *EDGES), EDGES, strict=False)), f"{EDGES[-1] + 1}+")


class TagScoring:
    """Scores the tags of sentences. Classes are the tags that the models know; spans are written in BIO."""

    metrics: tuple[Metric, ...] = METRICS
    example = "sentence"

    def statistics(self, table: pl.DataFrame, classes: Sequence[str]) -> Statistics:
        """Return counts of predictions with the columns `gold`, `predicted`, `intent` and `predicted_intent`."""
        unit, types = units(classes)
        found = scores.statistics(
            table["gold"].to_list(),
            table["predicted"].to_list(),
            Intents(table["intent"].to_list(), table["predicted_intent"].to_list()),
            unit=unit,
            types=types,
        )
        correct = found.values[:, found.names.index("exact")] == 1
        return Statistics(found.values.astype(np.float64), np.arange(table.height), correct)

    def score(self, sums: Numbers, classes: Sequence[str]) -> dict[str, Numbers]:
        """Return F1, token accuracy and exact match."""
        found = scores.score(sums, self._columns(classes))
        return {metric.name: found[metric.name] for metric in METRICS}

    def by_class(self, sums: Numbers, classes: Sequence[str]) -> ClassScores:
        """Return F1 by type of span, or by tag."""
        unit, _ = units(classes)
        found = scores.by_type(sums, self._columns(classes))
        return ClassScores(
            "type" if unit == "spans" else "tag", found.types, found.support.astype(np.int64), found.f1
        )

    def slicings(self, table: pl.DataFrame, classes: Sequence[str]) -> list[Slicing]:
        """Divide sentences by their length and, if they have one, by their intent."""
        found = [Slicing("length", BUCKETS, np.searchsorted(EDGES, table["tokens"].to_numpy()))]
        if table["intent"].null_count() < table.height:
            intents = tuple(sorted(table["intent"].drop_nulls().unique()))
            index = {intent: i for i, intent in enumerate(intents)}
            member = np.array([index.get(intent, -1) for intent in table["intent"]], dtype=np.int64)
            found.append(Slicing("intent", intents, member))
        return found

    def agreement(self, a: pl.DataFrame, b: pl.DataFrame) -> float:
        """Return the fraction of tokens that get the same tag from both."""
        same = a["predicted"].explode() == b["predicted"].explode()
        return float(same.sum() / max(len(same), 1))

    def disagreements(
        self, a: pl.DataFrame, b: pl.DataFrame, classes: tuple[tuple[str, ...], tuple[str, ...]]
    ) -> pl.DataFrame:
        """Return the sentences with different tags. How far apart: the fraction of tokens whose tags differ."""
        unit, _ = units(classes[0])
        apart = [
            float(np.mean([one != other for one, other in zip(of_a, of_b, strict=True)]))
            for of_a, of_b in zip(a["predicted"].to_list(), b["predicted"].to_list(), strict=True)
        ]

        def shown(tags: pl.Series) -> pl.Series:
            return pl.Series([_shown(sentence, unit) for sentence in tags.to_list()], dtype=pl.String)

        return (
            pl.DataFrame(
                {
                    "id": b["id"],
                    "actual": shown(b["gold"]),
                    "a": shown(a["predicted"]),
                    "p_a": a["probability"],
                    "b": shown(b["predicted"]),
                    "p_b": b["probability"],
                    "apart": apart,
                }
            )
            .with_row_index("row")
            .filter(pl.col("apart") > 0)
        )

    @staticmethod
    def _columns(classes: Sequence[str]) -> tuple[str, ...]:
        return scores.columns_of(*units(classes), intents=True)


def units(classes: Sequence[str]) -> tuple[Unit, tuple[str, ...]]:
    """Return what is scored, and its types, in order: of the spans that tags write, or the tags themselves."""
    if not schemes.is_spans(classes):
        return "tags", tuple(sorted(set(classes)))
    return "spans", tuple(sorted({tag.partition("-")[2] for tag in classes} - {""}))


def _shown(tags: Sequence[str], unit: Unit) -> str:
    """Return spans for a table: each one's type with the numbers of its tokens, from 1."""
    if unit == "tags":
        return " ".join(tags)
    found = [
        f"{span.type} {span.start + 1}" + (f"-{span.end}" if span.end - span.start > 1 else "")
        for span in schemes.spans(tags)
    ]
    return ", ".join(found) or "no span"
