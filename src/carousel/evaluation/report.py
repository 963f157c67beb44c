"""What a classifier did on the test split: figures, a confusion table, accuracy by length, each prediction."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from carousel.bundle.bundle import Bundle
from carousel.corpus import lengths
from carousel.corpus.encoded import Encoded

BINS = 15  # of probability, as in Guo et al. 2017, "On calibration of modern neural networks"


@dataclass(frozen=True)
class Report:
    """Targets and predictions (label indices, shape (documents,)) with the figures that follow from them.

    Attributes:
        labels: what the indices stand for.
        targets: the right label of each document.
        predicted: the model's label of each document.
        probabilities: of every label, shape (documents, labels).
        lengths: tokens of each document, before long ones were cut.
        read: tokens of each document that the model read; None where that was all of them.
        trained: tokens of the longest document that the model read in training, where that is known.
    """

    labels: tuple[str, ...]
    targets: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    lengths: npt.NDArray[np.int64]
    read: npt.NDArray[np.int64] | None = None
    trained: int | None = None

    def metrics(self) -> dict[str, float]:
        """Accuracy, macro-F1, mean negative log-likelihood, and expected calibration error."""
        chosen = self.probabilities[np.arange(len(self.targets)), self.targets]
        return {
            **scores(self.targets, self.predicted, len(self.labels)),
            "loss": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
            "calibration_error": self._calibration_error(),
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
        """Accuracy of each length bucket that has documents.

        Of these, `cut` were not read to their end, and of `beyond` the model read more tokens than of any document
        in training.
        """
        read = self.lengths if self.read is None else self.read
        beyond = np.zeros(len(read), dtype=bool) if self.trained is None else read > self.trained
        return (
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
                accuracy=pl.col("correct").mean(),
                documents=pl.len(),
                cut=pl.col("cut").sum(),
                beyond=pl.col("beyond").sum(),
            )
            .sort("bucket")
            .select(
                pl.col("bucket").replace_strict(range(len(lengths.NAMES)), lengths.NAMES).alias("tokens"),
                "accuracy",
                "documents",
                "cut",
                "beyond",
            )
        )

    def calibration(self) -> pl.DataFrame:
        """Accuracy by how sure the model is: by its label's probability, in those of `BINS` ranges that occur."""
        sure = self.probabilities[np.arange(len(self.targets)), self.predicted]
        return (
            pl.DataFrame({"sure": sure, "correct": self.targets == self.predicted})
            .with_columns(bin=(pl.col("sure") * BINS).ceil().clip(1, BINS).cast(pl.Int64))
            .group_by("bin")
            .agg(
                probability=pl.col("sure").mean(),
                accuracy=pl.col("correct").mean(),
                documents=pl.len(),
            )
            .sort("bin")
            .select(
                ((pl.col("bin") - 1) / BINS).alias("above"),
                (pl.col("bin") / BINS).alias("to"),
                "probability",
                "accuracy",
                "documents",
            )
        )

    def _calibration_error(self) -> float:
        """Mean distance between probability and accuracy, over documents (Guo et al. 2017, equation 3)."""
        table = self.calibration()
        distance = (table["probability"] - table["accuracy"]).abs()
        return float((distance * table["documents"]).sum() / len(self.targets))

    def predictions(self, names: tuple[str, ...]) -> pl.DataFrame:
        """Every document with its right and predicted label, and the probability of each."""
        rows = np.arange(len(self.targets))
        labels = np.array(self.labels)
        return pl.DataFrame(
            {
                "id": names,
                "actual": labels[self.targets],
                "predicted": labels[self.predicted],
                "probability": self.probabilities[rows, self.predicted],
                "probability_of_actual": self.probabilities[rows, self.targets],
                "tokens": self.lengths,
            }
        )


def scores(targets: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int) -> dict[str, float]:
    """Accuracy and macro-F1, as every report and gate names them."""
    from sklearn.metrics import accuracy_score, f1_score

    return {
        "accuracy": float(accuracy_score(targets, predicted)),
        "macro_f1": float(f1_score(targets, predicted, labels=range(classes), average="macro", zero_division=0)),
    }


def points(score: float, reference: float) -> str:
    """Return how far one fraction is above another, in percentage points with a sign."""
    return f"{100 * (score - reference):+z.1f}"


def evaluate(bundle: Bundle, documents: Encoded, trained: int | None = None) -> Report:
    """Let a bundle classify encoded documents.

    Args:
        bundle: the model.
        documents: with targets.
        trained: tokens of the longest document that it read in training.
    """
    logits = bundle.logits([documents.document(i) for i in range(len(documents))])
    probabilities = logits.double().softmax(-1).numpy()
    return Report(
        labels=bundle.labels,
        targets=documents.targets,
        predicted=probabilities.argmax(-1),
        probabilities=probabilities,
        lengths=documents.full_lengths,
        read=documents.lengths,
        trained=trained,
    )
