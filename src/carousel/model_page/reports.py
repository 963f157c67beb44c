"""What the stages before wrote of data, vocabulary and training."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from carousel import layout
from carousel.corpus.dataset import Dataset
from carousel.corpus.document import SPLITS
from carousel.files import read_json
from carousel.model_page.data import Lengths
from carousel.text import columns
from carousel.text.vocabulary import Vocabulary

MOST_UNKNOWN = 20  # tokens that are listed


@dataclass(frozen=True, eq=False)  # arrays cannot be compared as one
class Reports:
    """Content of the reports that the page shows.

    Attributes:
        train: reports/train.json.
        seconds: that the training stage took.
        curves: reports/curves.csv.
        data: reports/data.json.
        lengths: reports/lengths.csv.
        vocabulary: reports/vocab.json.
        unknown: `token` and `count` of the test split's most frequent tokens that are not in the vocabulary.
        encoded: the splits.
    """

    train: dict[str, Any]
    seconds: float
    curves: pl.DataFrame
    data: dict[str, Any]
    lengths: pl.DataFrame
    vocabulary: dict[str, Any]
    unknown: pl.DataFrame
    encoded: dict[str, Dataset]

    @classmethod
    def read(cls, vocabulary: Vocabulary) -> "Reports":
        """Read them.

        Args:
            vocabulary: of the model.

        Raises:
            UserError: when one is missing.
        """
        counts = columns.counts(pl.scan_parquet(layout.TOKENS / "test.parquet")).collect()
        return cls(
            train=read_json(layout.TRAIN_REPORT),
            seconds=read_json(layout.SECONDS / "train.json")["seconds"],
            curves=pl.read_csv(layout.CURVES_REPORT),
            data=read_json(layout.DATA_REPORT),
            lengths=pl.read_csv(layout.LENGTHS_REPORT),
            vocabulary=read_json(layout.VOCABULARY_REPORT),
            unknown=columns.unknown(counts, vocabulary).head(MOST_UNKNOWN),
            encoded={split: Dataset.load(layout.ENCODED / split) for split in SPLITS},
        )

    def read_lengths(self) -> dict[str, tuple[Lengths, Lengths]]:
        """Return tokens of each example, and how many of them are read, by split."""
        return {split: (dataset.full_lengths, dataset.lengths) for split, dataset in self.encoded.items()}
