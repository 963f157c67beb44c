"""Texts that stand under different labels."""

from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Conflicts:
    """Texts that stand under two labels or more.

    Attributes:
        texts: how many.
        documents: how many documents have one of them.
        labels: documents by the labels that their text stands under, `a, b`; the most frequent first.
        first: the first such text's documents, `id (label)`.
    """

    texts: int
    documents: int
    labels: dict[str, int]
    first: tuple[str, ...]

    def remarks(self) -> list[str]:
        """Return what is worth a look before training: a line, or none."""
        if not self.texts:
            return []
        most = ", ".join(f"{labels}: {count} documents" for labels, count in list(self.labels.items())[:3])
        more = ", …" if len(self.labels) > 3 else ""
        return [
            f"{self.texts} text{'s' * (self.texts > 1)} under different labels ({most}{more}), the first as "
            f"{' and '.join(self.first[:3])}; train keeps the first document of each"
        ]

    def report(self) -> dict[str, Any]:
        """Return what reports/data.json says."""
        return {"texts": self.texts, "documents": self.documents, "labels": self.labels}


def find(documents: pl.DataFrame) -> Conflicts:
    """Find the texts that stand under different labels.

    Args:
        documents: a frame with `id`, `label` and `key`, which is equal for texts that count as the same.
    """
    places = documents.select("id", "label", "key").with_row_index("place")
    several = places.filter(pl.col("label").n_unique().over("key") > 1)
    texts = several.group_by("key", maintain_order=True).agg(
        labels=pl.col("label").unique().sort().str.join(", "),
        documents=pl.len(),
        first=pl.format("{} ({})", "id", "label"),
    )
    counts = (
        texts.group_by("labels")
        .agg(pl.col("documents").sum())
        .sort(["documents", "labels"], descending=[True, False])
    )
    return Conflicts(
        texts=texts.height,
        documents=several.height,
        labels=dict(counts.iter_rows()),
        first=tuple(texts["first"][0]) if texts.height else (),
    )
