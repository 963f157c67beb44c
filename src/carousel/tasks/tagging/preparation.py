"""Cleaning and splitting of tagged sentences."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from carousel.corpus import split as splitting
from carousel.corpus.split import INVISIBLE, Divided
from carousel.errors import UserError
from carousel.params import Split

_SEPARATOR = "\x1f"  # between tokens: the same text in other tokens has other tags


@dataclass(frozen=True)
class Prepared:
    """Sentences by split.

    Attributes:
        divided: `id`, `tokens`, `tags` and `intent` of each split's sentences.
        missing: tags of validation or test that train lacks, and how many tokens have them.
    """

    divided: Divided
    missing: dict[str, int]

    @property
    def splits(self) -> dict[str, pl.DataFrame]:
        """The sentences of each split."""
        return self.divided.splits

    def remarks(self) -> list[str]:
        """Return what is worth a look before training, a line each."""
        if not self.missing:
            return []
        named = ", ".join(f"{tag} ({count} tokens)" for tag, count in list(self.missing.items())[:5])
        return [f"tags that train lacks, so that they are never predicted: {named}"]

    def report(self) -> dict[str, Any]:
        """Return what reports/data.json has for this task."""
        counts = {name: frame["tags"].explode().value_counts() for name, frame in self.splits.items()}
        return {
            "tags_that_train_lacks": self.missing,
            "tags": {name: dict(sorted(found.iter_rows())) for name, found in counts.items()},
        }


def prepare(documents: pl.DataFrame, split: Split) -> Prepared:
    """Drop duplicates and leaks, and divide what has no split yet, every intent alike.

    Args:
        documents: a frame of `document.SCHEMA`.
        split: the `split` section of params.yaml.

    Raises:
        UserError: when a split would be empty, or train has a single tag.
    """
    divided = splitting.divide(documents.with_columns(key=key()), split, "intent")
    of_train = divided.splits["train"]["tags"].explode()
    known = set(of_train)
    if len(known) == 1:
        raise UserError(f"the train split has one tag only ({known.pop()!r}); a tagger needs at least two")
    others = pl.concat([divided.splits[name]["tags"].explode() for name in ("val", "test")])
    missing = others.filter(~others.is_in(list(known))).value_counts(sort=True)
    return Prepared(divided, dict(missing.iter_rows()))


def key() -> pl.Expr:
    """Return an expression, of the column `tokens`, that is equal for sentences that count as the same.

    Unicode form (NFC or NFD) and characters that cannot be seen do not count. Case does, unlike in classification:
    it changes the tags of words (`us`, `US`; `polish`, `Polish`), and a tagger learns from it.
    """
    return pl.col("tokens").list.join(_SEPARATOR).str.replace_all(INVISIBLE, "").str.normalize("NFC")
