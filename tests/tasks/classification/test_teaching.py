import numpy as np
import polars as pl
import pytest
import torch

from carousel.errors import UserError
from carousel.tasks.classification.learner import TEACHER, batches
from carousel.tasks.classification.teaching import taught
from tests.support import classifiers
from tests.support.datasets import dataset

TEXTS = ["the cat sat", "on the mat .", "日本 ça", "never seen"]
DOCUMENTS = pl.DataFrame({"text": TEXTS})
LABELS = tuple(sorted(classifiers.LABELS))
STUDENT = dataset([[5], [2, 3], [4, 4, 4], [1]], [0, 1, 2, 0])  # by another tokenizer and vocabulary


def test_a_teacher_reads_texts_by_its_own_tokenizer_and_vocabulary():
    teacher = classifiers.make(labels=LABELS)
    found = taught(STUDENT, DOCUMENTS, LABELS, teacher)
    probabilities = torch.from_numpy(found.scalars[TEACHER]).double().softmax(-1).tolist()
    for row, predicted in zip(probabilities, teacher.predict(TEXTS), strict=True):
        assert row == pytest.approx(list(predicted.probabilities.values()))
    assert found.sequences is STUDENT.sequences


def test_its_predictions_are_in_the_order_of_the_students_labels():
    teacher = classifiers.make(labels=LABELS)
    found = taught(STUDENT, DOCUMENTS, LABELS, teacher).scalars[TEACHER]
    turned = taught(STUDENT, DOCUMENTS, LABELS[::-1], teacher).scalars[TEACHER]
    np.testing.assert_array_equal(turned, found[:, ::-1])


def test_batches_bring_the_predictions_of_their_documents():
    split = taught(STUDENT, DOCUMENTS, LABELS, classifiers.make(labels=LABELS))
    loader = batches(split, 6, shuffle=True)
    for indices, batch in zip(loader.buckets.batches(), loader, strict=True):
        np.testing.assert_array_equal(batch.teacher.numpy(), split.scalars[TEACHER][indices])


def test_a_teacher_of_other_labels_is_refused_in_a_line_that_names_them():
    teacher = classifiers.make(labels=("animal", "plant", "Möbel"))
    with pytest.raises(
        UserError,
        match=r"^train.teacher: .*only the data has その他; only the teacher has plant; name a model[^\n]*$",
    ):
        taught(STUDENT, DOCUMENTS, LABELS, teacher)
