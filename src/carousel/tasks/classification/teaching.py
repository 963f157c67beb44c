"""What a teacher predicts for the documents that a student learns from."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from carousel.corpus.dataset import Dataset
from carousel.errors import UserError
from carousel.tasks.classification.learner import TEACHER
from carousel.tasks.classification.predictor import Classifier


def taught(encoded: Dataset, documents: pl.DataFrame, labels: Sequence[str], teacher: Classifier) -> Dataset:
    """Return an encoded split with a teacher's logits (documents, classes), in the order of the student's labels.

    Args:
        encoded: the split.
        documents: the split's prepared documents, in the same order.
        labels: that the student will know.
        teacher: reads the texts by its own tokenizer and vocabulary.

    Raises:
        UserError: when the teacher knows other labels.
    """
    if set(teacher.labels) != set(labels):
        sides = (("the data", {*labels} - {*teacher.labels}), ("the teacher", {*teacher.labels} - {*labels}))
        found = "; ".join(f"only {side} has {', '.join(sorted(only))}" for side, only in sides if only)
        raise UserError(f"train.teacher: it has other labels than the data: {found}; name a model of these labels")
    logits = teacher.logits([teacher.encode(text) for text in documents["text"]])
    order = [teacher.labels.index(label) for label in labels]
    return replace(encoded, scalars={**encoded.scalars, TEACHER: logits[:, order].numpy()})
