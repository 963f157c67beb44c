import numpy as np
import pytest
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback, RichProgressBar
from pytorch_lightning.loggers import CSVLogger, Logger

from carousel.nn.batch import pad
from carousel.tasks.classification.model import build
from carousel.training import callbacks
from carousel.training.callbacks import Bar, layer_norms
from tests.support.datasets import documents_of
from tests.training.order_problem import TRAIN, WORDS, fitted, hparams


class Kept(Logger):
    """A logger that keeps what it is given, by metric and step."""

    name, version = "kept", 0

    def __init__(self):
        super().__init__()
        self.points = {}

    def log_metrics(self, metrics, step=None):
        for key, value in metrics.items():
            self.points.setdefault(key, {})[step] = value

    def log_hyperparams(self, *_arguments, **_options):
        pass


@pytest.fixture(scope="module")
def logged():
    logger = Kept()
    found = fitted(hparams(epochs=3, clip_norm=0.2), logger=logger)
    return found, logger.points


def test_every_point_by_step_is_that_steps_own(logged):
    found, points = logged
    steps = len(found.norms)
    assert sorted(points["train/gradient_norm"]) == list(range(steps))  # few enough for each to be a point
    assert [points["train/gradient_norm"][step] for step in range(steps)] == pytest.approx(found.norms)
    rates = [points["train/learning_rate"][step] for step in range(steps)]
    assert max(rates) == pytest.approx(0.03, rel=0.05)
    assert rates[0] == pytest.approx(0.03 / 25)  # the one-cycle schedule's start
    assert rates[-1] < rates[0] / 10


def test_each_layers_norms_make_up_the_whole(logged):
    found, points = logged
    layers = [key for key in points if key.startswith("train/gradients/")]
    assert sorted(layers) == [
        "train/gradients/embedding",
        "train/gradients/encoder.layers.0",
        "train/gradients/head",
    ]
    for step, norm in enumerate(found.norms):
        assert np.sqrt(sum(points[key][step] ** 2 for key in layers)) == pytest.approx(norm, rel=1e-4)


def test_an_epochs_row_says_how_much_was_clipped(logged):
    found, points = logged
    per_epoch = np.array(found.norms).reshape(3, -1)
    for row, norms in zip(found.history, per_epoch, strict=True):
        assert row["clipped"] == (norms > 0.2).mean()
        assert row["gradient_norm_p90"] == pytest.approx(np.quantile(norms, 0.9))
    assert 0 < found.history[0]["clipped"] <= 1
    for key in ("loss", "clipped", "gradient_norm_p90"):
        column = key if key != "loss" else "train_loss"
        assert list(points[f"train/{key}"].values()) == pytest.approx([row[column] for row in found.history])


def test_a_long_run_has_about_as_many_points_as_a_short_one(monkeypatch):
    monkeypatch.setattr(callbacks, "POINTS", 5)
    logger = Kept()
    found = fitted(hparams(epochs=3), logger=logger)
    assert len(found.norms) > 20
    assert 5 <= len(logger.points["train/step_loss"]) <= 7


def test_the_epochs_loss_is_the_mean_over_documents(monkeypatch):
    seen = []

    class Count(Callback):
        def on_train_batch_end(self, _trainer, module, outputs, batch, _index):
            mean = float(outputs["loss"]) * module.batch_units / module.units(batch)
            seen.append((mean, len(batch[2])))

    found = fitted(hparams(epochs=1), callbacks=[Count()])
    losses, documents = np.array(seen).T
    assert documents.sum() == len(TRAIN)
    assert found.history[0]["train_loss"] == pytest.approx((losses * documents).sum() / documents.sum())


def test_layer_norms_are_of_what_has_a_gradient():
    model = build(hparams(model={"layers": 2, "ngrams": 2}), vocabulary_size=WORDS, classes=2)
    assert layer_norms(model) == {}
    model(*pad(documents_of(TRAIN)[:4])).sum().backward()
    norms = layer_norms(model)
    assert set(norms) == {"embedding", "encoder.layers.0", "encoder.layers.1", "ngrams", "head"}
    weights = model.network.encoder.layers[1].parameters()
    expected = torch.cat([parameter.grad.flatten() for parameter in weights]).norm()
    torch.testing.assert_close(norms["encoder.layers.1"], expected)


def test_a_steps_random_numbers_are_a_function_of_seed_and_step():
    drawn = {}

    class Draw(Callback):
        def on_before_zero_grad(self, trainer, *_):
            torch.rand(trainer.global_step)  # what one step draws must not move the next one's numbers

        def on_train_batch_end(self, trainer, *_):
            drawn.setdefault(trainer.global_step, []).append(torch.rand(1).item())

    model = {"word_dropout": 0.3}
    fitted(hparams(model=model, epochs=1), callbacks=[Draw()])
    fitted(hparams(model=model, epochs=1))
    fitted(hparams(model=model, epochs=1), callbacks=[Draw()])
    assert all(one == other for one, other in drawn.values())
    assert len({one for one, _ in drawn.values()}) == len(drawn)


def test_the_bar_leaves_out_the_runs_number(tmp_path):
    trainer = lightning.Trainer(
        logger=CSVLogger(tmp_path, version=7), callbacks=[Bar()], accelerator="cpu", max_epochs=1
    )
    module = lightning.LightningModule()
    assert "v_num" in RichProgressBar().get_metrics(trainer, module)
    assert trainer.progress_bar_callback.get_metrics(trainer, module) == {}


def test_the_bar_counts_epochs_from_1(tmp_path):
    bar = Bar()
    bar.setup(lightning.Trainer(logger=False, accelerator="cpu", max_epochs=3), lightning.LightningModule(), "fit")
    assert [bar._get_train_description(epoch).strip() for epoch in range(3)] == [
        "Epoch 1/3",
        "Epoch 2/3",
        "Epoch 3/3",
    ]
