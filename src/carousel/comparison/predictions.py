"""Predictions on disk: what a model said of each test document, kept with its run for later comparisons.

A Parquet table without the texts. Its metadata holds the labels and the digest of the test data: two tables with
the same digest are of the same documents in the same order.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from carousel.bundle.bundle import Bundle
from carousel.comparison import paired
from carousel.comparison.paired import Comparison
from carousel.corpus import document
from carousel.corpus.encoded import Encoded, targets
from carousel.errors import UserError
from carousel.evaluation.report import Report, evaluate
from carousel.files import replacing

_METADATA = "carousel.predictions"


@dataclass(frozen=True)
class Predictions:
    """A report, and which documents it is of.

    Attributes:
        report: the figures.
        names: the documents' ids.
        digest: of the test data, as `corpus.document.digest` finds it.
    """

    report: Report
    names: tuple[str, ...]
    digest: str

    def save(self, path: Path) -> None:
        """Write the table, whole or not at all."""
        probabilities = self.report.probabilities.astype(np.float32)
        frame = self.report.predictions(self.names).with_columns(probabilities=pl.Series(probabilities))
        about = json.dumps({"labels": self.report.labels, "digest": self.digest})
        with replacing(path) as temporary:
            frame.write_parquet(temporary, metadata={_METADATA: about})

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Read a table that `save` wrote.

        Raises:
            UserError: when it is missing, or is not such a table.
        """
        try:
            about = json.loads(pl.read_parquet_metadata(path)[_METADATA])
            frame = pl.read_parquet(path, glob=False)
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file; `dvc repro` makes it") from error
        except (KeyError, ValueError, pl.exceptions.PolarsError) as error:
            raise UserError(
                f"{path}: not a table of predictions; `dvc repro --force evaluate` remakes it"
            ) from error
        labels = tuple(about["labels"])
        report = Report(
            labels=labels,
            targets=targets(frame["actual"].to_list(), labels),
            predicted=targets(frame["predicted"].to_list(), labels),
            probabilities=frame["probabilities"].to_numpy().astype(np.float64),
            lengths=frame["tokens"].to_numpy(),
        )
        return cls(report, tuple(frame["id"]), about["digest"])


def predict_documents(bundle: Bundle, documents: pl.DataFrame) -> Predictions:
    """Let a bundle classify prepared documents (`id`, `text`, `label`), by its own tokenizer and vocabulary.

    A label that the bundle does not know is added to its labels, with probability zero.
    """
    known = (*bundle.labels, *sorted(set(documents["label"]) - set(bundle.labels)))
    tokens = [bundle.tokenizer.tokenize(text) for text in documents["text"]]
    ids = [np.array(bundle.ids(found), dtype=np.int32) for found in tokens]
    names = tuple(documents["id"])
    encoded = Encoded(
        ids=np.concatenate(ids),
        offsets=np.cumsum([0, *map(len, ids)]),
        targets=targets(documents["label"].to_list(), known),
        labels=known,
        names=names,
        full_length=np.array([len(found) for found in tokens], dtype=np.int64),
    )
    report = evaluate(bundle, encoded)
    unknown = np.zeros((len(names), len(known) - len(bundle.labels)))
    report = replace(report, labels=known, probabilities=np.hstack([report.probabilities, unknown]))
    return Predictions(report, names, document.digest(documents))


def compare(a: Predictions, b: Predictions) -> Comparison:
    """Compare two models' predictions on the same test data.

    Labels that only one of the models knows count for both. Where the models' tokenizers differ, a document has the
    greater of its two lengths.

    Raises:
        ValueError: when the test data differ.
    """
    if a.digest != b.digest:
        raise ValueError(f"predictions on different test data, {a.digest} and {b.digest}")
    labels = tuple(sorted({*a.report.labels, *b.report.labels}))
    of_a, of_b = targets(a.report.labels, labels), targets(b.report.labels, labels)
    return paired.compare(
        of_a[a.report.targets],
        of_a[a.report.predicted],
        of_b[b.report.predicted],
        labels=labels,
        lengths=np.maximum(a.report.lengths, b.report.lengths),
    )


def disagreements(a: Predictions, b: Predictions, most: int = 10) -> pl.DataFrame:
    """Return the documents with different labels on which the two models disagree most, first the widest apart.

    How far apart: half the sum of the differences between their probabilities, from 0 to 1 (total variation).

    Returns:
        `row` in the test data, `id`, `actual`, `tokens`, both models' label and its probability (`a`, `p_a`, `b`,
        `p_b`), and `apart`.
    """
    labels = tuple(sorted({*a.report.labels, *b.report.labels}))
    spread = []
    for report in (a.report, b.report):
        probabilities = np.zeros((len(report.targets), len(labels)))
        probabilities[:, targets(report.labels, labels)] = report.probabilities
        spread.append(probabilities)
    apart = np.abs(spread[0] - spread[1]).sum(1) / 2
    of_a, of_b = (predictions.report.predictions(predictions.names) for predictions in (a, b))
    return (
        of_b.select("id", "actual", tokens=np.maximum(a.report.lengths, b.report.lengths))
        .with_columns(
            a=of_a["predicted"], p_a=of_a["probability"], b=of_b["predicted"], p_b=of_b["probability"], apart=apart
        )
        .with_row_index("row")
        .filter(pl.col("a") != pl.col("b"))
        .sort("apart", "row", descending=[True, False])
        .head(most)
    )
