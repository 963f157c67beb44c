"""Cleaning and splitting of labelled documents: every label in each split that can hold it."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from carousel.corpus import split as splitting
from carousel.corpus.labels import shown
from carousel.corpus.split import Divided
from carousel.errors import UserError
from carousel.params import Split
from carousel.tasks.classification import conflicts
from carousel.tasks.classification.conflicts import Conflicts


@dataclass(frozen=True)
class Prepared:
    """Documents by split, and what was left out on the way.

    Attributes:
        divided: `id`, `text` and `label` of each split's documents.
        conflicts: texts under two labels, before any was dropped.
        vanished: labels of which no document is left, and how many there were.
    """

    divided: Divided
    conflicts: Conflicts
    vanished: dict[str, int]

    @property
    def splits(self) -> dict[str, pl.DataFrame]:
        """The documents of each split."""
        return self.divided.splits

    def remarks(self) -> list[str]:
        """Return what is worth a look before training, a line each."""
        gone = [
            f"label {shown(label)} is gone: the text of each of its {count} documents is also under another label, "
            "and that document was kept"
            for label, count in self.vanished.items()
        ]
        return [*self.conflicts.remarks(), *gone]

    def report(self) -> dict[str, Any]:
        """Return what reports/data.json has for this task."""
        return {
            "texts_under_different_labels": self.conflicts.report(),
            "labels_that_vanished": self.vanished,
            "labels": {
                name: dict(sorted(frame["label"].value_counts().iter_rows())) for name, frame in self.splits.items()
            },
        }


def prepare(documents: pl.DataFrame, split: Split) -> Prepared:
    """Drop duplicates and leaks, and divide what has no split yet, every label alike.

    Of documents with the same text, the first stays, whatever its label.

    Args:
        documents: a frame of `document.SCHEMA`.
        split: the `split` section of params.yaml.

    Raises:
        UserError: when a split would be empty, or a label cannot be learned because train lacks it.
    """
    documents = documents.with_columns(key=splitting.key(pl.col("text")))
    divided = splitting.divide(documents, split, "label")
    left = pl.concat(divided.splits.values())["label"].unique()
    gone = documents.filter(~pl.col("label").is_in(left.implode()))["label"].value_counts()
    vanished = dict(sorted(gone.iter_rows()))
    _check(divided.splits, vanished)
    return Prepared(divided, conflicts.find(documents), vanished)


def _check(splits: dict[str, pl.DataFrame], vanished: dict[str, int]) -> None:
    known = set(splits["train"]["label"])
    if len(known) == 1:
        why = f" (every text of {', '.join(map(shown, vanished))} is also under another label)" if vanished else ""
        raise UserError(
            f"the train split has one label only ({known.pop()!r}){why}; a classifier needs at least two"
        )
    for name in ("val", "test"):
        unknown = sorted(set(splits[name]["label"]) - known)
        if unknown:
            raise UserError(
                f"the {name} split has labels that train lacks ({', '.join(map(repr, unknown[:5]))}): "
                "they cannot be learned; add documents of theirs to train or take them out"
            )
