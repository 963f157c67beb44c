"""What every task has to keep, whatever it is."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import torch
from mlflow.models import infer_signature

from carousel.bundle.bundle import Bundle, BundleError
from carousel.comparison import paired
from carousel.corpus.training_data import TOKENIZER, VOCABULARY, TrainingData
from carousel.metric import Metric
from carousel.params.file import validated
from carousel.predictor import load, predictor
from carousel.search.objectives import maximizes
from carousel.task import find
from carousel.task_modules import TASKS, module
from carousel.text import columns
from carousel.text.vocabulary import Vocabulary
from carousel.training.fit import describe, fit
from carousel.training.refit import refit

ROOT = Path(__file__).parents[2]
WORDS = {"animals": ["dog", "cat", "horse", "barks", "purrs"], "plants": ["oak", "rose", "fern", "grows", "blooms"]}
CLASSIFICATION = pl.DataFrame(
    [
        {"id": f"{i}", "text": f"the {words[i % 5]} {words[(i * 3 + 1) % 5]} and {words[(i * 7 + 2) % 5]} {i}"}
        | {"label": label, "split": None}
        for label, words in WORDS.items()
        for i in range(40)
    ],
    schema_overrides={"split": pl.String},
)
TAGGING = pl.DataFrame(
    [
        {
            "id": f"{i}",
            "tokens": ["the", words[i % 5], "New", "York", str(i)][: 5 - i % 2],
            "tags": ["O", f"B-{label}", "B-place", "I-place", "O"][: 5 - i % 2],
            "intent": label,
            "split": None,
        }
        for label, words in WORDS.items()
        for i in range(40)
    ],
    schema_overrides={"split": pl.String},
)
DATA = {"classification": CLASSIFICATION, "tagging": TAGGING}
SMALL = {"embedding_size": 8, "hidden_size": 8, "pooling": "mean"}


@dataclasses.dataclass
class Made:
    """A task with small data, prepared as the stages prepare it."""

    task: object
    params: object
    splits: dict
    data: TrainingData

    def fit(self, **settings):
        return fit(self.task.make_learner, self.params.hparams, self.data, quiet=True, **settings)

    def bundle(self, fitted):
        return self.task.bundle(fitted.model, self.data.parts, self.params)


def make(name, **train):
    task, schema = find(name), module(name, "params").Params
    params = validated(
        schema,
        {
            "task": name,
            "model": SMALL,
            "train": {"epochs": 1, "batch_tokens": 64, **train},
            "vocab": {"min_count": 1},
        },
        "here",
    )
    prepared = task.prepare(DATA[name], params).splits
    tokenizer, tokens = task.tokenize(prepared, _words(params))
    counts = columns.counts(tokens["train"].lazy()).collect()
    parts = {
        VOCABULARY: Vocabulary.build(counts.iter_rows(), min_count=1, max_size=100).to_text().encode(),
        TOKENIZER: tokenizer.to_json().encode(),
        **task.fit_parts(tokens["train"], params),
    }
    vocabulary = Vocabulary.from_text(parts[VOCABULARY].decode())
    encoded = {name: task.encode(frame, vocabulary, parts, params) for name, frame in tokens.items()}
    return Made(task, params, prepared, TrainingData(encoded["train"], encoded["val"], parts))


def _words(params):
    tokenizer = params.tokenizer.model_copy(update={"name": "words"})  # subwords need more text
    return params.model_copy(update={"tokenizer": tokenizer})


@pytest.fixture(scope="module", params=sorted(TASKS))
def made(request):
    return make(request.param)


@pytest.fixture(scope="module")
def fitted(made):
    return made.fit()


def same_weights(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_task_is_complete(made):
    task = made.task
    assert task.name in TASKS
    assert task.noun
    assert task.baseline_noun
    assert all(isinstance(metric, Metric) for metric in task.metrics)
    assert (ROOT / f"presets/{task.name}.yaml").exists()
    for part in ("params", "predictor", "task", "preparation", "baseline"):  # dvc.yaml and task_modules name them
        assert module(task.name, part)


def test_objectives_and_gates_go_by_the_metrics(made):
    names, schema = [metric.name for metric in made.task.metrics], type(made.params)
    for name in names:
        content = {"task": made.task.name, "promotion": {"metric": name}, "sweep": {"objectives": [f"val_{name}"]}}
        assert validated(schema, content, "here").promotion.metric == name
        assert maximizes(f"val_{name}", made.task.name)
    assert made.params.promotion.metric == made.task.metrics[0].name
    assert not maximizes("val_loss", made.task.name)


def test_an_epoch_measures_every_metric(made, fitted):
    row = fitted.history[0]
    assert {"train_loss", "val_loss", *(f"val_{metric.name}" for metric in made.task.metrics)} <= row.keys()
    assert describe(fitted)[f"val_{made.task.metrics[0].name}"] == fitted.best[f"val_{made.task.metrics[0].name}"]


def test_the_same_training_gives_the_same_weights(made, fitted):
    assert same_weights(made.fit().model.state_dict(), fitted.model.state_dict())


def test_a_refit_learns_from_validation_too(made, fitted):
    wanted = made.params.hparams.model_copy(
        update={"train": made.params.train.model_copy(update={"refit": "always"})}
    )
    second = refit(made.task.make_learner, wanted, fitted, made.data, quiet=True)
    assert second.documents == len(made.data.train) + len(made.data.val)
    assert second.best == fitted.best


def test_a_bundle_comes_back_from_the_disk(made, fitted, tmp_path):
    bundle = made.bundle(fitted)
    bundle.save(tmp_path / "bundle")
    again = Bundle.load(tmp_path / "bundle")
    assert again.fingerprint == bundle.fingerprint
    assert again.task == made.task.name
    inputs = made.task.inputs(made.splits["test"])
    assert load(tmp_path / "bundle").predict(inputs) == predictor(bundle).predict(inputs)
    assert predictor(again).to_bundle().fingerprint == bundle.fingerprint


def test_every_part_is_needed_and_belongs_to_its_bundle(made, fitted, tmp_path):
    bundle = made.bundle(fitted)
    for name in bundle.parts:
        bundle.save(tmp_path / "bundle")
        (tmp_path / "bundle" / name).write_bytes(bundle.parts[name] + b" ")
        with pytest.raises(BundleError, match=f"{name}: does not belong"):
            load(tmp_path / "bundle")
        without = dataclasses.replace(bundle, parts={n: p for n, p in bundle.parts.items() if n != name})
        without.save(tmp_path / "bundle")
        with pytest.raises(BundleError, match=f"names no part {name}"):
            load(tmp_path / "bundle")


def test_a_prediction_alone_equals_one_in_a_batch(made, fitted):
    model, inputs = predictor(made.bundle(fitted)), made.task.inputs(made.splits["test"])
    together = [dataclasses.asdict(one) for one in model.predict(inputs)]
    for given, expected in zip(inputs, together, strict=True):
        found = dataclasses.asdict(model.predict([given])[0])
        assert _rounded(found) == _rounded(expected)


def _rounded(value):
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


def test_the_examples_can_be_predicted_and_have_a_signature(made, fitted):
    model = predictor(made.bundle(fitted))
    predictions = model.predict(model.example)
    assert len(predictions) == len(model.example)
    assert all(model.check(given) is None for given in model.example)
    assert model.check(object()) is not None
    assert all(len(one.cells()) == len(model.columns) for one in predictions)
    assert all(isinstance(one.summary, str) for one in predictions)
    assert infer_signature(model_output=[dataclasses.asdict(one) for one in predictions]).outputs is not None


def test_an_empty_text_is_predicted(made, fitted):
    assert len(predictor(made.bundle(fitted)).predict(["", " "])) == 2


def test_a_report_has_what_stages_write(made, fitted):
    task = made.task
    report = task.evaluate(predictor(made.bundle(fitted)), made.splits["test"], 5)
    metrics = report.metrics()
    assert all(0 <= metrics[metric.name] <= 1 for metric in task.metrics)
    tables = report.tables()
    assert {"confusion", "by_class", "by_length"} <= tables.keys()
    assert {"actual", "predicted"} == set(tables["confusion"].columns)
    assert {"tokens", "score"} <= set(tables["by_length"].columns)
    for table in tables.values():
        table.write_csv()  # columns of lists could not be
    assert all(figure.get_axes() for _, figure in report.plots("model"))


def test_scores_of_summed_statistics_are_the_metrics_of_the_report(made, fitted):
    task = made.task
    report = task.evaluate(predictor(made.bundle(fitted)), made.splits["test"])
    statistics = task.scoring.statistics(report.predictions(), report.classes)
    scored = task.scoring.score(statistics.total(), report.classes)
    for metric in task.metrics:
        assert float(scored[metric.name]) == pytest.approx(report.metrics()[metric.name])


def test_a_model_does_not_differ_from_itself(made, fitted, tmp_path):
    task = made.task
    report = task.evaluate(predictor(made.bundle(fitted)), made.splits["test"])
    task.predictions(report, "digest").save(tmp_path / "test.parquet")
    from carousel.comparison.predictions import Predictions

    kept = Predictions.load(tmp_path / "test.parquet")
    found = paired.compare(task.scoring, kept, kept, resamples=100)
    assert found.better is None
    assert found.agreement == 1
    assert all(one.difference == one.low == one.high == 0 for one in found.metrics.values())
    assert all(part.difference == 0 for parts in found.slices.values() for part in parts)
    assert paired.disagreements(task.scoring, kept, kept).is_empty()


def test_a_baseline_has_the_metrics(made):
    result = made.task.baseline(made.splits, made.params)
    names = {metric.name for metric in made.task.metrics}
    assert names <= result.test.keys()
    assert names | {f"val_{name}" for name in names} <= result.report().keys()
    assert result.describe()


def test_the_baselines_predictions_have_the_scores_of_its_report(made):
    task = made.task
    result = task.baseline(made.splits, made.params)
    kept = task.predictions(result, "digest")
    assert kept.table["id"].to_list() == made.splits["test"]["id"].to_list()
    statistics = task.scoring.statistics(kept.table, kept.classes)
    scored = task.scoring.score(statistics.total(), kept.classes)
    for metric in task.metrics:
        assert float(scored[metric.name]) == pytest.approx(result.report()[metric.name])


def test_a_models_sections_are_beside_the_baseline_and_have_names_of_their_own(made, fitted):
    task, model = made.task, predictor(made.bundle(fitted))
    report = task.evaluate(model, made.splits["test"])
    result = task.baseline(made.splits, made.params)
    compared = paired.compare(
        task.scoring, task.predictions(result, "digest"), task.predictions(report, "digest"), resamples=100
    )
    sections = task.sections(model, report, compared, made.splits["test"])
    names = [section.name for section in sections]
    assert len(set(names)) == len(names)
    assert {"confusion", "lengths", "errors"} <= set(names)
    assert all(section.title and section.parts for section in sections)
    for metric in task.metrics:
        assert compared.metrics[metric.name].a == pytest.approx(result.report()[metric.name])
        assert compared.metrics[metric.name].b == pytest.approx(report.metrics()[metric.name])


def test_the_digest_depends_on_the_data_and_not_on_names(made):
    task, test = made.task, made.splits["test"]
    assert task.digest(test) == task.digest(test.with_columns(id=pl.lit("x")))
    assert task.digest(test) != task.digest(test[1:])
    others = [DATA[name] for name in TASKS if name != task.name]
    assert all(task.digest_if_own(other) is None for other in others)


KILLED = """
import os, signal, sys
from pathlib import Path
from pytorch_lightning.callbacks import Callback
sys.path.insert(0, {root!r})
from tests.tasks.test_contract import make

class Kill(Callback):
    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == {step}:
            trainer.callbacks[-1].save(trainer)
            os.kill(os.getpid(), signal.SIGKILL)

make({task!r}, epochs=2).fit(callbacks=[Kill()], checkpoints=Path({folder!r}))
"""


def test_a_killed_training_ends_in_the_same_weights(made, tmp_path):
    name = made.task.name
    whole = make(name, epochs=2)
    expected = whole.fit().model.state_dict()
    code = KILLED.format(root=str(ROOT), step=4, task=name, folder=str(tmp_path))
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert (tmp_path / "training.ckpt").exists()
    assert same_weights(whole.fit(checkpoints=tmp_path).model.state_dict(), expected)
