"""What a classifier did on the test split: metrics, tables, plots, and each prediction."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from carousel import calibration
from carousel.corpus import lengths
from carousel.corpus.dataset import Dataset, Ragged
from carousel.interval import wilson
from carousel.tasks.classification.predictor import Classifier
from carousel.tasks.classification.scores import scores
from carousel.tasks.classification.scoring import indices
from carousel.text import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Report:
    """Targets and predictions (label indices, shape (documents,)) with the metrics that follow from them.

    Attributes:
        labels: what the indices stand for.
        targets: the right label of each document.
        predicted: the model's label of each document.
        probabilities: of every label, shape (documents, labels).
        lengths: tokens of each document, before long ones were cut.
        names: the documents' ids.
        read: tokens of each document that the model read; None where that was all of them.
        trained: tokens of the longest document that the model read in training, where that is known.
    """

    labels: tuple[str, ...]
    targets: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    lengths: npt.NDArray[np.int64]
    names: tuple[str, ...]
    read: npt.NDArray[np.int64] | None = None
    trained: int | None = None

    def metrics(self) -> dict[str, float]:
        """Accuracy, macro-F1, mean negative log-likelihood, and expected calibration error."""
        chosen = self.probabilities[np.arange(len(self.targets)), self.targets]
        return {
            **scores(self.targets, self.predicted, len(self.labels)),
            "loss": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
            "calibration_error": calibration.expected_error(self.calibration()),
        }

    def confusion(self) -> pl.DataFrame:
        """How many documents of each label were taken for which, the most first."""
        names = np.array(self.labels)
        return (
            pl.DataFrame({"actual": names[self.targets], "predicted": names[self.predicted]})
            .group_by("actual", "predicted")
            .agg(documents=pl.len())
            .sort("documents", "actual", "predicted", descending=[True, False, False])
        )

    def by_label(self) -> pl.DataFrame:
        """Precision, recall, F1 and support of each label."""
        from sklearn.metrics import precision_recall_fscore_support

        precision, recall, f1, support = precision_recall_fscore_support(
            self.targets, self.predicted, labels=range(len(self.labels)), zero_division=0
        )
        return pl.DataFrame(
            {"label": self.labels, "precision": precision, "recall": recall, "f1": f1, "documents": support}
        )

    def by_length(self) -> pl.DataFrame:
        """Accuracy, as `score`, of each length bucket that has documents, with its 95 % interval (Wilson).

        Of these, `cut` were not read to their end, and of `beyond` the model read more tokens than of any document
        in training.
        """
        read = self.lengths if self.read is None else self.read
        beyond = np.zeros(len(read), dtype=bool) if self.trained is None else read > self.trained
        found = (
            pl.DataFrame(
                {
                    "bucket": lengths.bucket(self.lengths),
                    "correct": self.targets == self.predicted,
                    "cut": read < self.lengths,
                    "beyond": beyond,
                }
            )
            .group_by("bucket")
            .agg(
                score=pl.col("correct").mean(),
                documents=pl.len(),
                cut=pl.col("cut").sum(),
                beyond=pl.col("beyond").sum(),
            )
            .sort("bucket")
            .select(
                pl.col("bucket").replace_strict(range(len(lengths.NAMES)), lengths.NAMES).alias("tokens"),
                "score",
                "documents",
                "cut",
                "beyond",
            )
        )
        low, high = wilson((found["score"] * found["documents"]).to_numpy(), found["documents"].to_numpy())
        return found.with_columns(low=low, high=high)

    def calibration(self) -> pl.DataFrame:
        """Accuracy by the probability of the predicted label."""
        predicted = self.probabilities[np.arange(len(self.targets)), self.predicted]
        return calibration.table(predicted, self.targets == self.predicted)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels."""
        return self.labels

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables of reports/tables, by name."""
        return {
            "confusion": self.predictions().select("actual", "predicted"),
            "by_class": self.by_label(),
            "by_length": self.by_length(),
            "calibration": self.calibration(),
        }

    def plots(self, model: str) -> "Iterator[tuple[str, Figure]]":
        """Draw the plots of MLflow, one after the other, each with its name."""
        from carousel.tasks.classification import plots

        yield "confusion_matrix", plots.confusion(self, model)
        yield "by_label", plots.by_label(self, model)
        yield "calibration", plots.calibration(self, model)
        yield "accuracy_by_length", plots.accuracy_by_length(self, model)

    def worst(self, count: int) -> pl.DataFrame:
        """Return the wrong predictions, most probable first, at most `count`: `row` and `predictions`' columns."""
        return (
            self.predictions()
            .with_row_index("row")
            .filter(pl.col("actual") != pl.col("predicted"))
            .sort("probability", "row", descending=[True, False])
            .head(count)
        )

    def predictions(self) -> pl.DataFrame:
        """Every document with its right and predicted label, the probability of each, and of all labels."""
        rows = np.arange(len(self.targets))
        labels = np.array(self.labels)
        return pl.DataFrame(
            {
                "id": self.names,
                "actual": labels[self.targets],
                "predicted": labels[self.predicted],
                "probability": self.probabilities[rows, self.predicted],
                "probability_of_actual": self.probabilities[rows, self.targets],
                "tokens": self.lengths,
                "probabilities": self.probabilities.astype(np.float32),
            }
        )


def evaluate(classifier: Classifier, documents: Dataset, trained: int | None = None) -> Report:
    """Let a classifier predict encoded documents.

    Args:
        classifier: the model.
        documents: with targets.
        trained: tokens of the longest document that it read in training.
    """
    ids = documents.sequences["ids"]
    logits = classifier.logits([ids[i] for i in range(len(documents))])
    probabilities = logits.double().softmax(-1).numpy()
    return Report(
        labels=classifier.labels,
        targets=documents.scalars["targets"],
        predicted=probabilities.argmax(-1),
        probabilities=probabilities,
        lengths=documents.full_lengths,
        names=documents.names,
        read=documents.lengths,
        trained=trained,
    )


def predict_documents(classifier: Classifier, documents: pl.DataFrame, trained: int | None = None) -> Report:
    """Let a classifier predict prepared documents (`id`, `text`, `label`), by its own tokenizer and vocabulary.

    A label that the classifier does not know is added to its labels, with probability zero.

    Args:
        classifier: the model.
        documents: with labels.
        trained: tokens of the longest document that it read in training.
    """
    known = (*classifier.labels, *sorted(set(documents["label"]) - set(classifier.labels)))
    tokens = columns.tokens(documents["text"], classifier.tokenizer)
    ids, lengths = columns.ids(tokens, classifier.vocabulary, classifier.max_length, classifier.truncation)
    encoded = Dataset(
        {"ids": Ragged.ending(ids.to_numpy(), lengths.to_numpy())},
        {"targets": indices(documents["label"], known)},
        tuple(documents["id"]),
        tokens.list.len().cast(pl.Int64).to_numpy(),
    )
    report = evaluate(classifier, encoded, trained)
    unknown = np.zeros((len(encoded), len(known) - len(classifier.labels)))
    return replace(report, labels=known, probabilities=np.hstack([report.probabilities, unknown]))
