from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from carousel.bundle.bundle import Bundle
from carousel.comparison.predictions import Predictions, compare, disagreements, predict_documents
from carousel.corpus.document import digest
from carousel.errors import UserError
from carousel.tasks.classification.report import Report
from carousel.nn.classifier import TextClassifier
from carousel.nn.config import ClassifierConfig
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary


def bundle(labels=("animals", "plants"), seed=0):
    torch.manual_seed(seed)
    vocabulary = Vocabulary((*SPECIALS, "the", "dog", "oak"))
    model = TextClassifier(ClassifierConfig(len(vocabulary), len(labels), embedding_size=4, hidden_size=4))
    return Bundle(model, TOKENIZERS["basic_english"], vocabulary, labels, max_length=4)


def documents(labels):
    texts = [f"the {'dog ' * i}oak {i}" for i in range(len(labels))]
    return pl.DataFrame({"id": [f"file:{i}" for i in range(len(labels))], "text": texts, "label": labels})


def made(labels, probabilities, targets, *, digest="d", lengths=None):
    probabilities = np.array(probabilities, dtype=np.float64)
    lengths = np.array(lengths or [5] * len(targets))
    report = Report(tuple(labels), np.array(targets), probabilities.argmax(-1), probabilities, lengths)
    return Predictions(report, tuple(f"doc {i}" for i in range(len(targets))), digest)


def test_answers_survive_save_and_load(tmp_path: Path) -> None:
    found = predict_documents(bundle(), documents(["animals", "plants", "plants", "animals", "plants"]))
    found.save(tmp_path / "test.parquet")
    again = Predictions.load(tmp_path / "test.parquet")
    assert (again.names, again.digest, again.report.labels) == (found.names, found.digest, found.report.labels)
    for name in ("targets", "predicted", "lengths"):
        np.testing.assert_array_equal(getattr(again.report, name), getattr(found.report, name))
    np.testing.assert_allclose(again.report.probabilities, found.report.probabilities, atol=1e-7)
    assert again.report.metrics() == pytest.approx(found.report.metrics(), abs=1e-6)


def test_the_table_has_ids_and_no_texts(tmp_path: Path) -> None:
    predict_documents(bundle(), documents(["animals", "plants"])).save(tmp_path / "test.parquet")
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


def test_answers_are_the_bundles_predictions() -> None:
    asked = documents(["animals", "plants", "plants"])
    found = predict_documents(bundle(), asked)
    predictions = bundle().predict(asked["text"].to_list())
    assert [found.report.labels[i] for i in found.report.predicted] == [one.label for one in predictions]
    assert found.digest == digest(asked)
    assert found.report.lengths.tolist() == [3, 4, 5]


def test_a_label_that_a_bundle_does_not_know_is_never_its_answer() -> None:
    found = predict_documents(bundle(), documents(["animals", "minerals", "minerals"]))
    assert found.report.labels == ("animals", "plants", "minerals")
    assert found.report.targets.tolist() == [0, 2, 2]
    assert (found.report.probabilities[:, 2] == 0).all()


def test_other_files_are_no_answers(tmp_path: Path) -> None:
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
    found = compare(a, b)
    assert [part.name for part in found.by_label] == ["x", "y", "z"]
    assert (found.metrics["accuracy"].a, found.metrics["accuracy"].b) == (2 / 3, 2 / 3)
    assert found.agreement == 2 / 3
    assert [(part.name, part.documents) for part in found.by_length] == [("1-8", 2), ("17-32", 1)]


def test_other_test_data_cannot_be_compared() -> None:
    a, b = (made("xy", [[1, 0]], [0], digest=digest) for digest in ("d", "e"))
    with pytest.raises(ValueError, match="predictions on different test data"):
        compare(a, b)


def test_the_widest_disagreements_come_first() -> None:
    a = made("xy", [[0.9, 0.1], [0.6, 0.4], [1, 0], [0.9, 0.1]], [0, 0, 1, 0])
    b = made("yx", [[0.1, 0.9], [0.6, 0.4], [1, 0], [0.8, 0.2]], [1, 1, 0, 1])
    found = disagreements(a, b)
    assert found["row"].to_list() == [2, 3, 1]
    assert found["apart"].to_list() == pytest.approx([1, 0.7, 0.2])
    assert found.row(1, named=True) == {
        "row": 3, "id": "doc 3", "actual": "x", "tokens": 5, "a": "x", "p_a": 0.9, "b": "y", "p_b": 0.8,
        "apart": pytest.approx(0.7),
    }  # fmt: skip
    assert disagreements(a, b, most=1).height == 1
    assert disagreements(a, a).height == 0
