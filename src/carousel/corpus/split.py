"""Cleaning and splitting: no text twice, none in two splits, every label in each part that can hold it."""

import hashlib
from dataclasses import dataclass
from typing import Any

import polars as pl

from carousel.corpus import conflicts
from carousel.corpus.conflicts import Conflicts
from carousel.corpus.document import SPLITS
from carousel.corpus.labels import shown
from carousel.errors import UserError
from carousel.params import Split

# Characters that cannot be seen, and that copying a text adds or loses: U+200D joins some, U+FEFF is a stray mark
INVISIBLE = r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff]"


@dataclass(frozen=True)
class Prepared:
    """Documents by split, and what was left out on the way.

    Attributes:
        splits: `id`, `text` and `label` of each split's documents.
        duplicates: documents of one split whose text an earlier one has.
        leaked: documents whose text a later split has.
        conflicts: texts under two labels, before any was dropped.
        vanished: labels of which no document is left, and how many there were.
    """

    splits: dict[str, pl.DataFrame]
    duplicates: int
    leaked: int
    conflicts: Conflicts
    vanished: dict[str, int]

    def remarks(self) -> list[str]:
        """Return what a person should look at before training, a line each."""
        gone = [
            f"label {shown(label)} is gone: the text of each of its {count} documents is also under another label, "
            "and that document was kept"
            for label, count in self.vanished.items()
        ]
        return [*self.conflicts.remarks(), *gone]

    def report(self) -> dict[str, Any]:
        """Return what reports/data.json says."""
        return {
            "documents": {name: frame.height for name, frame in self.splits.items()},
            "dropped": {"duplicates": self.duplicates, "also_in_a_later_split": self.leaked},
            "texts_under_different_labels": self.conflicts.report(),
            "labels_that_vanished": self.vanished,
            "labels": {
                name: dict(sorted(frame["label"].value_counts().iter_rows())) for name, frame in self.splits.items()
            },
        }


def prepare(documents: pl.DataFrame, split: Split) -> Prepared:
    """Drop duplicates and leaks, and divide what has no split yet.

    Two texts are the same if they are equal but for case, white space, Unicode form (NFC or NFD) and characters
    that cannot be seen. Of documents without a split, the first of each text stays, whatever its label. Given
    test and validation splits stay as they came, so that results compare with published ones; what they hold is
    dropped from the splits before them (test over val over train).

    Args:
        documents: a frame of `document.SCHEMA`.
        split: the `split` section of params.yaml.

    Raises:
        UserError: when a split would be empty, or a label cannot be learned because train lacks it.
    """
    documents = documents.with_columns(key=_key(pl.col("text")))
    parts = {name: documents.filter(pl.col("split") == name) for name in SPLITS}
    if documents["split"].is_null().all():
        whole = documents.unique("key", keep="first", maintain_order=True)
        test, rest = _divide(whole, split.test_fraction, split.seed, "test")
        duplicates, leaked = documents.height - whole.height, 0
        val, train = _divide(rest, split.val_fraction / (1 - split.test_fraction), split.seed, "val")
    else:
        test, val, train = parts["test"], parts["val"], parts["train"]
        unique = train.unique("key", keep="first", maintain_order=True)
        duplicates, before = train.height - unique.height, unique.height + val.height
        if test.is_empty():
            unique = unique.join(val, on="key", how="anti", maintain_order="left")  # a given val stays as it came
            test, unique = _divide(unique, split.test_fraction, split.seed, "test")
            before -= test.height
        val = val.join(test, on="key", how="anti", maintain_order="left")
        train = unique.join(test, on="key", how="anti", maintain_order="left")
        train = train.join(val, on="key", how="anti", maintain_order="left")
        leaked = before - train.height - val.height
        if val.is_empty():
            val, train = _divide(train, split.val_fraction, split.seed, "val")
    columns = ["id", "text", "label"]
    splits = {name: frame.select(columns) for name, frame in (("train", train), ("val", val), ("test", test))}
    left = pl.concat(splits.values())["label"].unique()
    gone = documents.filter(~pl.col("label").is_in(left.implode()))["label"].value_counts()
    vanished = dict(sorted(gone.iter_rows()))
    _check(splits, vanished)
    return Prepared(splits, duplicates, leaked, conflicts.find(documents), vanished)


def _key(text: pl.Expr) -> pl.Expr:
    """Return what is equal for texts that count as the same."""
    return (
        text.str.replace_all(INVISIBLE, "")
        .str.to_lowercase()
        .str.normalize("NFC")
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
    )


def _divide(documents: pl.DataFrame, fraction: float, seed: int, part: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take `fraction` of each label's documents; return (taken, left), each in the order of `documents`.

    Which are taken depends on the seed and each document's text alone, so that documents added later move few
    of the others.
    """
    digests = [hashlib.sha256(f"{seed} {part} {key}".encode()).hexdigest() for key in documents["key"]]
    ordered = documents.with_columns(digest=pl.Series(digests, dtype=pl.String)).select(
        place=pl.col("digest").rank("ordinal").over("label"),
        take=(pl.len().over("label") * fraction).round(),
    )
    taken = ordered["place"] <= ordered["take"]
    return documents.filter(taken), documents.filter(~taken)


def _check(splits: dict[str, pl.DataFrame], vanished: dict[str, int]) -> None:
    for name, frame in splits.items():
        if frame.is_empty():
            raise UserError(
                f"the {name} split is empty: bring more documents"
                + ("" if name == "train" else f", or raise split.{name}_fraction")
            )
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
