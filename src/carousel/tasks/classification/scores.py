"""Accuracy and macro-F1, of labels and of counts."""

import numpy as np
import numpy.typing as npt

from carousel.metric import Metric

METRICS = (Metric("accuracy", "accuracy"), Metric("macro_f1", "macro-F1"))


def scores(targets: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int) -> dict[str, float]:
    """Return accuracy and macro-F1 of predicted labels, as indices (documents,)."""
    from sklearn.metrics import accuracy_score, f1_score

    return {
        "accuracy": float(accuracy_score(targets, predicted)),
        "macro_f1": float(f1_score(targets, predicted, labels=range(classes), average="macro", zero_division=0)),
    }
