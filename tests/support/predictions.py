"""Predictions of labels that a test plans, as a run keeps them."""

import numpy as np

from carousel.comparison.predictions import Predictions
from carousel.task import find
from carousel.tasks.classification.report import Report

TASK = find("classification")


def planned(
    labels, targets, predicted=None, lengths=None, *, probabilities=None, digest="d", names=None
) -> Predictions:
    """Return predictions of a model that knows these labels.

    Args:
        labels: that the indices stand for.
        targets: the right label of each document, as an index.
        predicted: the model's; without it, the most probable ones.
        lengths: of the documents; 5 without it.
        probabilities: of every label; without it, 0.9 for the predicted one, and the others share the rest.
        digest: of the test data.
        names: of the documents.
    """
    targets = np.array(targets, dtype=np.int64)
    if probabilities is None:
        hits = np.eye(len(labels))[np.array(predicted, dtype=np.int64)]
        probabilities = np.where(hits == 1, 0.9, 0.1 / max(len(labels) - 1, 1))
    probabilities = np.array(probabilities, dtype=np.float64).reshape(-1, len(labels))
    report = Report(
        labels=tuple(labels),
        targets=targets,
        predicted=np.array(probabilities.argmax(-1) if predicted is None else predicted, dtype=np.int64),
        probabilities=probabilities,
        lengths=np.full(len(targets), 5) if lengths is None else np.array(lengths, dtype=np.int64),
        names=tuple(f"document {i}" for i in range(len(targets))) if names is None else tuple(names),
    )
    return TASK.predictions(report, digest)
