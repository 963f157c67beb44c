import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.corpus.lengths import NAMES, bucket
from carousel.interval import wilson
from carousel.tasks.classification.predictor import Classifier
from carousel.tasks.classification.report import Report, evaluate
from carousel.tasks.classification.scores import scores
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.support import networks
from tests.support.datasets import dataset

LABELS = ("café", "tea", "water")

# Six documents, by hand: 4 right; café 2 of 2 and one too many, tea 1 of 3, water 1 of 1 and one too many
SIX = Report(
    labels=LABELS,
    targets=np.array([0, 0, 1, 1, 1, 2]),
    predicted=np.array([0, 0, 0, 1, 2, 2]),
    probabilities=np.array(
        [[0.5, 0.25, 0.25], [1, 0, 0], [0.5, 0.5, 0], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5], [0, 0, 1]]
    ),
    lengths=np.array([1, 8, 9, 16, 17, 5000]),
    names=tuple("abcdef"),
)


@st.composite
def reports(draw):
    classes = draw(st.integers(1, 4))
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1), st.integers(1, 3000)), min_size=1
        )
    )
    targets, predicted, lengths = (np.array(column) for column in zip(*rows, strict=True))
    probabilities = np.full((len(rows), classes), 0.1) + 0.9 * np.eye(classes)[predicted]
    probabilities /= probabilities.sum(1, keepdims=True)
    names = tuple(map(str, range(len(rows))))
    return Report(tuple(map(str, range(classes))), targets, predicted, probabilities, lengths, names)


# Figures by hand


def test_metrics_by_hand():
    assert SIX.metrics() == {
        "accuracy": pytest.approx(4 / 6),
        "macro_f1": pytest.approx((4 / 5 + 2 / 4 + 2 / 3) / 3),
        "loss": pytest.approx((1 + 0 + 1 + 1 + 2 + 0) * math.log(2) / 6),
        "calibration_error": pytest.approx(0),  # of four half sure predictions two are right, of two sure ones both
    }


def test_figures_of_each_label_by_hand():
    assert SIX.by_label().to_dicts() == [
        {"label": "café", "precision": pytest.approx(2 / 3), "recall": 1, "f1": pytest.approx(0.8), "documents": 2},
        {"label": "tea", "precision": 1, "recall": pytest.approx(1 / 3), "f1": pytest.approx(0.5), "documents": 3},
        {"label": "water", "precision": 0.5, "recall": 1, "f1": pytest.approx(2 / 3), "documents": 1},
    ]


def test_accuracy_by_length_by_hand():
    found = SIX.by_length()
    low, high = wilson([2, 1, 0, 1], [2, 2, 1, 1])
    assert (found["low"].to_list(), found["high"].to_list()) == (low.tolist(), high.tolist())
    assert found.drop("low", "high").to_dicts() == [
        {"tokens": "1-8", "score": 1.0, "documents": 2, "cut": 0, "beyond": 0},
        {"tokens": "9-16", "score": 0.5, "documents": 2, "cut": 0, "beyond": 0},
        {"tokens": "17-32", "score": 0.0, "documents": 1, "cut": 0, "beyond": 0},
        {"tokens": "1025+", "score": 1.0, "documents": 1, "cut": 0, "beyond": 0},
    ]


def test_documents_that_were_cut_or_are_longer_than_in_training_are_counted():
    some_cut = replace(SIX, read=np.minimum(SIX.lengths, 16), trained=16).by_length()
    assert some_cut["cut"].to_list() == [0, 0, 1, 1]
    assert some_cut["beyond"].to_list() == [0, 0, 0, 0]  # the model read no more than it did in training
    whole = replace(SIX, trained=15).by_length()
    assert whole["cut"].to_list() == [0, 0, 0, 0]
    assert whole["beyond"].to_list() == [0, 1, 1, 1]


def test_the_worst_predictions_are_wrong_and_the_surest_first():
    worst = SIX.worst(10)
    assert worst["row"].to_list() == sorted(
        np.flatnonzero(SIX.targets != SIX.predicted),
        key=lambda row: (-SIX.probabilities[row, SIX.predicted[row]], row),
    )
    assert SIX.worst(1).rows() == worst.head(1).rows()


def test_the_confusion_table_by_hand():
    assert SIX.confusion().rows() == [
        ("café", "café", 2), ("tea", "café", 1), ("tea", "tea", 1), ("tea", "water", 1), ("water", "water", 1),
    ]  # fmt: skip


def test_calibration_by_hand():
    """Predictions of 0.8 and 0.79, one of them right; of 0.4, wrong; of 1, right."""
    sure = np.array([0.8, 0.79, 0.4, 1.0])
    rest = (1 - sure) / 2
    probabilities = np.stack([sure, rest, rest], axis=1)
    found = Report(
        LABELS, np.array([0, 1, 1, 0]), np.zeros(4, dtype=int), probabilities, np.ones(4, dtype=int), tuple("abcd")
    )
    assert found.calibration().to_dicts() == [
        {"above": 5 / 15, "to": 6 / 15, "probability": pytest.approx(0.4), "accuracy": 0, "count": 1},
        {"above": 11 / 15, "to": 12 / 15, "probability": pytest.approx(0.795), "accuracy": 0.5, "count": 2},
        {"above": 14 / 15, "to": 1, "probability": 1, "accuracy": 1, "count": 1},
    ]
    assert found.metrics()["calibration_error"] == pytest.approx((0.4 * 1 + 0.295 * 2 + 0 * 1) / 4)


def test_every_answer_bears_its_documents_name():
    table = SIX.predictions()
    columns = ["id", "actual", "predicted", "probability", "probability_of_actual", "tokens", "probabilities"]
    assert table.columns == columns
    assert table.drop("probabilities").row(4) == ("e", "tea", "water", 0.5, 0.25, 17)
    assert table["probabilities"][4].to_list() == [0.25, 0.25, 0.5]
    assert table["id"].to_list() == list("abcdef")


# Properties


@given(report=reports())
@settings(max_examples=50, deadline=None)
def test_lengths_and_labels_sum_to_all_documents_and_to_the_accuracy(report):
    by_length, by_label = report.by_length(), report.by_label()
    documents, accuracy = len(report.targets), report.metrics()["accuracy"]
    assert by_length["documents"].sum() == by_label["documents"].sum() == documents
    assert (by_length["score"] * by_length["documents"]).sum() == pytest.approx(accuracy * documents)
    assert (by_label["recall"] * by_label["documents"]).sum() == pytest.approx(accuracy * documents)
    assert by_label["f1"].mean() == pytest.approx(report.metrics()["macro_f1"])
    assert by_label["label"].to_list() == list(report.labels)
    calibration = report.calibration()
    assert calibration["count"].sum() == report.confusion()["documents"].sum() == documents
    assert (calibration["accuracy"] * calibration["count"]).sum() == pytest.approx(accuracy * documents)
    assert (
        (calibration["above"] < calibration["probability"])
        & (calibration["probability"] <= calibration["to"] + 1e-9)
    ).all()
    assert 0 <= report.metrics()["calibration_error"] <= 1
    assert by_length["tokens"].to_list() == [NAMES[i] for i in sorted(set(bucket(report.lengths)))]


@given(report=reports())
@settings(max_examples=50, deadline=None)
def test_right_answers_are_those_that_agree(report):
    table = report.predictions()
    agree = table["actual"] == table["predicted"]
    assert agree.mean() == pytest.approx(report.metrics()["accuracy"])
    assert (table["probability"] == table["probability_of_actual"]).filter(agree).all()


@given(targets=st.lists(st.integers(0, 3)))
@settings(deadline=None)
def test_perfect_answers_score_one(targets):
    every = np.array([*range(4), *targets])
    assert scores(every, every, 4) == {"accuracy": 1.0, "macro_f1": 1.0}


def test_a_certain_mistake_has_a_finite_loss():
    certain = Report(("a", "b"), np.array([0]), np.array([1]), np.array([[0.0, 1.0]]), np.array([3]), ("a",))
    assert math.isfinite(certain.metrics()["loss"])


# A classifier's own predictions


def test_the_report_is_of_the_classifiers_predictions():
    torch.manual_seed(0)
    vocabulary = Vocabulary((*SPECIALS, "a", "b", "c", "d"))
    model = networks.classifier(len(vocabulary), len(LABELS), embedding_size=8, hidden_size=8)
    classifier = Classifier(model, TOKENIZERS["split"], vocabulary, LABELS, max_length=9)
    texts = ["a b", "c", "d d a b c", "", "b a", "x y z"]
    encoded = [classifier.encode(text) for text in texts]
    documents = dataset(encoded, [0, 1, 2, 0, 1, 2])
    report = evaluate(classifier, documents)
    predictions = classifier.predict(texts)
    assert [report.labels[i] for i in report.predicted] == [prediction.label for prediction in predictions]
    expected = [list(prediction.probabilities.values()) for prediction in predictions]
    np.testing.assert_allclose(report.probabilities, expected, atol=1e-6)
    assert report.targets.tolist() == [0, 1, 2, 0, 1, 2]
    assert report.names == documents.names
    assert report.lengths.tolist() == [len(ids) for ids in encoded]
    longer = evaluate(classifier, replace(documents, full_length=report.lengths + 20), trained=3)
    assert longer.lengths.tolist() == (report.lengths + 20).tolist()
    assert longer.read.tolist() == report.lengths.tolist()
    assert longer.by_length()["cut"].sum() == 6
    assert longer.by_length()["beyond"].sum() == 1  # d d a b c
