from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from carousel.comparison.paired import compare, disagreements
from carousel.comparison.predictions import Predictions
from carousel.errors import UserError
from carousel.tasks.classification.document import digest
from carousel.tasks.classification.predictor import Classifier
from carousel.tasks.classification.report import Report
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.support import networks
from tests.support.predictions import TASK, planned


def classifier(labels=("animals", "plants"), seed=0):
    torch.manual_seed(seed)
    vocabulary = Vocabulary((*SPECIALS, "the", "dog", "oak"))
    model = networks.classifier(len(vocabulary), len(labels), embedding_size=4, hidden_size=4)
    return Classifier(model, TOKENIZERS["basic_english"], vocabulary, labels, max_length=4)


def documents(labels):
    texts = [f"the {'dog ' * i}oak {i}" for i in range(len(labels))]
    return pl.DataFrame({"id": [f"file:{i}" for i in range(len(labels))], "text": texts, "label": labels})


def predicted(asked):
    """Return the report of a classifier on documents, and what is kept of it."""
    report = TASK.evaluate(classifier(), asked)
    assert isinstance(report, Report)
    return report, TASK.predictions(report, TASK.digest(asked))


def made(labels, probabilities, targets, *, digest="d", lengths=None):
    return planned(labels, targets, None, lengths, probabilities=probabilities, digest=digest)


def test_predictions_survive_save_and_load(tmp_path: Path) -> None:
    report, found = predicted(documents(["animals", "plants", "plants", "animals", "plants"]))
    found.save(tmp_path / "test.parquet")
    again = Predictions.load(tmp_path / "test.parquet")
    assert (again.task, again.digest, again.classes) == (found.task, found.digest, found.classes)
    assert again.classes == ("animals", "plants")
    assert again.table.equals(found.table)
    np.testing.assert_allclose(again.table["probabilities"].to_numpy(), report.probabilities, atol=1e-7)
    sums = TASK.scoring.statistics(again.table, again.classes).total()
    metrics = TASK.scoring.score(sums, again.classes)
    assert {name: pytest.approx(report.metrics()[name]) for name in ("accuracy", "macro_f1")} == metrics


def test_the_table_has_ids_and_no_texts(tmp_path: Path) -> None:
    predicted(documents(["animals", "plants"]))[1].save(tmp_path / "test.parquet")
    columns = pl.read_parquet(tmp_path / "test.parquet").columns
    assert columns == [
        "id",
        "actual",
        "predicted",
        "probability",
        "probability_of_actual",
        "tokens",
        "probabilities",
    ]


def test_predictions_are_those_of_the_classifier() -> None:
    asked = documents(["animals", "plants", "plants"])
    _, found = predicted(asked)
    predictions = classifier().predict(asked["text"].to_list())
    assert found.task == "classification"
    assert found.table["id"].to_list() == asked["id"].to_list()
    assert found.table["actual"].to_list() == asked["label"].to_list()
    assert found.table["predicted"].to_list() == [one.label for one in predictions]
    assert found.table["probability"].to_list() == pytest.approx([one.probability for one in predictions])
    assert found.digest == digest(asked)
    assert found.table["tokens"].to_list() == [3, 4, 5]


def test_a_label_that_a_classifier_does_not_know_is_never_its_prediction() -> None:
    report, found = predicted(documents(["animals", "minerals", "minerals"]))
    assert report.labels == found.classes == ("animals", "plants", "minerals")
    assert report.targets.tolist() == [0, 2, 2]
    assert (report.probabilities[:, 2] == 0).all()
    assert "minerals" not in found.table["predicted"].to_list()


def test_other_files_are_no_predictions(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        Predictions.load(tmp_path / "nothing.parquet")
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("not Parquet")
    for name in ("other", "text"):
        with pytest.raises(UserError, match="not a table of predictions"):
            Predictions.load(tmp_path / f"{name}.parquet")


def test_labels_in_another_order_and_a_new_one_are_the_same_labels() -> None:
    a = made("xy", [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1], lengths=[3, 20, 5])
    b = made("zyx", [[0, 0.1, 0.9], [0, 0.7, 0.3], [0.8, 0.2, 0]], [2, 1, 1], lengths=[4, 4, 4])
    found = compare(TASK.scoring, a, b)
    assert [(part.name, part.examples) for part in found.slices["label"]] == [("x", 1), ("y", 2)]
    assert (found.metrics["accuracy"].a, found.metrics["accuracy"].b) == (2 / 3, 2 / 3)
    # z counts for both, although A does not know it and no document has it
    assert found.metrics["macro_f1"].a == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert found.metrics["macro_f1"].b == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found.agreement == 2 / 3
    assert [(part.name, part.examples) for part in found.slices["length"]] == [("1-8", 2), ("17-32", 1)]


def test_other_test_data_cannot_be_compared() -> None:
    a, b = (made("xy", [[1, 0]], [0], digest=digest) for digest in ("d", "e"))
    with pytest.raises(ValueError, match="predictions on different test data"):
        compare(TASK.scoring, a, b)


def test_the_widest_disagreements_come_first() -> None:
    a = made("xy", [[0.9, 0.1], [0.6, 0.4], [1, 0], [0.9, 0.1]], [0, 0, 1, 0])
    b = made("yx", [[0.1, 0.9], [0.6, 0.4], [1, 0], [0.8, 0.2]], [1, 1, 0, 1], lengths=[5, 5, 5, 7])
    found = disagreements(TASK.scoring, a, b)
    assert found["row"].to_list() == [2, 3, 1]
    assert found["apart"].to_list() == pytest.approx([1, 0.7, 0.2])
    assert found.row(1, named=True) == {
        "row": 3, "id": "document 3", "actual": "x", "tokens": 7, "a": "x", "p_a": 0.9, "b": "y", "p_b": 0.8,
        "apart": pytest.approx(0.7),
    }  # fmt: skip
    assert disagreements(TASK.scoring, a, b, most=1).height == 1
    assert disagreements(TASK.scoring, a, a).height == 0
