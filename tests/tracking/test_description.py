import pytest
from mlflow.entities import Metric, Param, RunData, RunTag

from carousel.task import find
from carousel.tracking import description

TASK = find("classification")

METRICS = {
    "train/parameters": 29987, "train/best_epoch": 3, "test/accuracy": 0.58334, "test/macro_f1": 0.4429,
    "baseline/accuracy": 0.9259, "baseline/macro_f1": 0.9131,
    "best/val_accuracy": 0.6296, "best/val_macro_f1": 0.5742,
}  # fmt: skip
PARAMS = {
    "model.encoder": "recurrent",
    "model.cell": "gru", "model.bidirectional": "true", "model.hidden_size": "16", "model.layers": "1",
    "train.learning_rate": "0.02",
}  # fmt: skip
TAGS = {
    "data.source": "file",
    **{f"data.{split}.digest": f"{split}-{'0' * 60}" for split in ("train", "val", "test")},
}


def run(metrics=METRICS, **changed):
    return RunData(
        [Metric(key, value, 0, 0) for key, value in metrics.items()],
        [Param(key, value) for key, value in (PARAMS | changed).items()],
        [RunTag(key, value) for key, value in TAGS.items()],
    )


def test_a_run_says_what_it_is_beside_the_baseline_and_on_which_data():
    early = {key: value for key, value in METRICS.items() if key.split("/")[0] in ("train", "best")}
    late = {key: value for key, value in METRICS.items() if key not in early}
    written = description.of_run(TASK, run(early), late)
    assert "bidirectional **gru**, hidden size 16, 1 layer, 29,987 parameters" in written
    assert "| this model, test | 0.5833 | 0.4429 |\n| linear baseline, test | 0.9259 | 0.9131 |" in written
    assert "Data: file; train `train-0000000000`" in written
    assert "classifier: **gru**, hidden size 16, 2 layers" in description.of_run(
        TASK, run(**{"model.bidirectional": "false", "model.layers": "2"}), {}
    )


def test_a_run_with_a_second_training_says_what_its_validation_figures_are_of():
    written = description.of_run(TASK, run({**METRICS, "train/refit_epochs": 3}), {})
    assert "best in epoch 3, then trained again on train and validation together." in written
    assert "| validation, before the refit | 0.6296 | 0.5742 |" in written
    for once in (METRICS, {**METRICS, "train/refit_epochs": 0}):
        written = description.of_run(TASK, run(once), {})
        assert "best in epoch 3." in written
        assert "| this model, validation | 0.6296 | 0.5742 |" in written


@pytest.mark.parametrize(
    ("encoder", "told"),
    [
        ("bag", "classifier: **bag of embeddings** of size 32, 29,987 parameters"),
        ("convolutional", "classifier: **convolutional**, 16 filters of each width, 29,987"),
        ("transformer", "classifier: **transformer**, hidden size 16, 1 layer, 29,987"),
        ("recurrent", "classifier: bidirectional **gru**, hidden size 16"),
    ],
)
def test_an_encoder_is_called_what_it_is(encoder, told):
    assert told in description.of_run(TASK, run(**{"model.encoder": encoder, "model.embedding_size": "32"}), {})


def test_a_version_says_how_to_load_it():
    written = description.of_version(TASK, run(), "models:/docs/3", "it's a text")
    assert '```python\nimport mlflow\n\nmodel = mlflow.pyfunc.load_model("models:/docs/3")' in written
    assert 'model.predict(["it\'s a text"])\n```' in written
    assert written.startswith(description.of_run(TASK, run(), {}).split("\n", maxsplit=1)[0])


def test_a_run_with_a_teacher_names_it(monkeypatch):
    assert "Learned from" not in description.of_run(TASK, run(), {})
    monkeypatch.setitem(TAGS, "teacher.model", "models:/stdlib-docs/3")
    assert "Learned from `models:/stdlib-docs/3` beside the labels." in description.of_run(TASK, run(), {})
