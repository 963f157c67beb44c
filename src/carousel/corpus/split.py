"""Splitting: no example twice, none in two splits."""

import hashlib
from dataclasses import dataclass
from typing import Any

import polars as pl

from carousel.corpus.document import SPLITS
from carousel.errors import UserError
from carousel.params import Split

# Characters that cannot be seen, and that copying a text adds or loses: U+200D joins some, U+FEFF is a stray mark
INVISIBLE = r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff]"


@dataclass(frozen=True)
class Divided:
    """Examples by split.

    Attributes:
        splits: the examples of each, with the columns that they came with but `split` and `key`.
        duplicates: examples of one split that an earlier one equals.
        leaked: examples that equal one of a later split.
    """

    splits: dict[str, pl.DataFrame]
    duplicates: int
    leaked: int

    def report(self) -> dict[str, Any]:
        """Return what reports/data.json has for every task."""
        return {
            "documents": {name: frame.height for name, frame in self.splits.items()},
            "dropped": {"duplicates": self.duplicates, "also_in_a_later_split": self.leaked},
        }


def divide(documents: pl.DataFrame, split: Split, stratum: str | None = None) -> Divided:
    """Drop duplicates and leaks, and divide what has no split yet.

    Of examples without a split, the first of each key stays. Given test and validation splits stay as they came, so
    that results compare with published ones; what they hold is dropped from the splits before them (test over val
    over train).

    Args:
        documents: a frame with `split`, and `key`, which is equal for examples that count as the same.
        split: the `split` section of params.yaml.
        stratum: a column whose values are divided alike, such as `label`.

    Raises:
        UserError: when a split would be empty.
    """
    parts = {name: documents.filter(pl.col("split") == name) for name in SPLITS}
    if documents["split"].is_null().all():
        whole = documents.unique("key", keep="first", maintain_order=True)
        test, rest = _divide(whole, split.test_fraction, split.seed, "test", stratum)
        duplicates, leaked = documents.height - whole.height, 0
        val, train = _divide(rest, split.val_fraction / (1 - split.test_fraction), split.seed, "val", stratum)
    else:
        test, val, train = parts["test"], parts["val"], parts["train"]
        unique = train.unique("key", keep="first", maintain_order=True)
        duplicates, before = train.height - unique.height, unique.height + val.height
        if test.is_empty():
            unique = unique.join(val, on="key", how="anti", maintain_order="left")  # a given val stays as it came
            test, unique = _divide(unique, split.test_fraction, split.seed, "test", stratum)
            before -= test.height
        val = val.join(test, on="key", how="anti", maintain_order="left")
        train = unique.join(test, on="key", how="anti", maintain_order="left")
        train = train.join(val, on="key", how="anti", maintain_order="left")
        leaked = before - train.height - val.height
        if val.is_empty():
            val, train = _divide(train, split.val_fraction, split.seed, "val", stratum)
    splits = {name: frame.drop("split", "key") for name, frame in (("train", train), ("val", val), ("test", test))}
    for name, frame in splits.items():
        if frame.is_empty():
            raise UserError(
                f"the {name} split is empty: bring more documents"
                + ("" if name == "train" else f", or raise split.{name}_fraction")
            )
    return Divided(splits, duplicates, leaked)


def key(text: pl.Expr) -> pl.Expr:
    """Return what is equal for texts that count as the same.

    Those are texts that are equal but for case, white space, Unicode form (NFC or NFD) and invisible characters.
    """
    return (
        text.str.replace_all(INVISIBLE, "")
        .str.to_lowercase()
        .str.normalize("NFC")
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
    )


def _divide(
    documents: pl.DataFrame, fraction: float, seed: int, part: str, stratum: str | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take `fraction` of each stratum's examples; return (taken, left), each in the order of `documents`.

    Which are taken depends on the seed and each document's text alone, so that documents added later move few
    of the others.
    """
    group = pl.lit(0) if stratum is None else pl.col(stratum)
    digests = [hashlib.sha256(f"{seed} {part} {key}".encode()).hexdigest() for key in documents["key"]]
    ordered = documents.with_columns(digest=pl.Series(digests, dtype=pl.String)).select(
        place=pl.col("digest").rank("ordinal").over(group),
        take=(pl.len().over(group) * fraction).round(),
    )
    taken = ordered["place"] <= ordered["take"]
    return documents.filter(taken), documents.filter(~taken)
