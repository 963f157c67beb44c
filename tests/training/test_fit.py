import math
import os
import re
import signal
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import Callback, RichProgressBar

from carousel.nn.batch import pad
from carousel.tasks.classification.budget import ngram_weight
from carousel.tasks.classification.learner import batches
from carousel.tasks.classification.model import build
from carousel.training import budget
from carousel.training.batches import BucketSampler
from carousel.training.callbacks import EpochLines, History, progress
from carousel.training.fit import DivergedError, describe
from tests.support.datasets import dataset, documents_of
from tests.training.order_problem import TRAIN, VAL, WORDS, A, B, fitted, given, hparams, state


@pytest.fixture(scope="module")
def learned():
    return fitted(hparams(epochs=15, patience=15))


# It learns


def test_it_learns_the_order_of_two_words(learned):
    assert learned.best["val_accuracy"] == 1.0
    assert learned.best["val_macro_f1"] == 1.0


@pytest.mark.parametrize("cell", ["gru", "rnn", "min_gru", "min_lstm", "qrnn", "reference_lstm", "reference_gru"])
def test_other_cells_learn_it_too(cell):
    two = {"layers": 2} if cell.startswith("min_") else {}  # their gates see one word: order takes a second layer
    assert fitted(hparams(cell, two, epochs=20, patience=20)).best["val_accuracy"] > 0.95


def test_a_reservoir_with_a_trained_read_out_learns_it_too():
    wide = {"hidden_size": 128, "pooling": "last"}
    assert fitted(hparams("esn", wide, epochs=20, patience=20)).best["val_accuracy"] > 0.8


def test_a_bag_of_words_learns_the_order_of_neighbours_from_n_grams():
    random = np.random.default_rng(0)
    noise = random.integers(B + 1, WORDS, (300, 2))
    targets = np.arange(300) % 2
    pairs = np.where(targets[:, None] == 0, (A, B), (B, A))
    ids = np.hstack([noise[:, :1], pairs, noise[:, 1:]])
    data = given(dataset(ids[:200], targets[:200]), dataset(ids[200:], targets[200:]))

    def learned(ngrams):
        bag = {"encoder": "bag", "pooling": "mean", "ngrams": ngrams}
        return fitted(hparams(model=bag, epochs=3), data)

    assert learned(ngrams=1).best["val_accuracy"] < 0.65
    found = learned(ngrams=2)
    assert found.best["val_accuracy"] == 1.0
    assert found.model.ngrams.documents.tolist() == [100, 100]  # each document was counted, and once


def test_a_batch_has_as_many_tokens_as_the_params_say_or_else_as_the_documents_ask_for():
    found = fitted(hparams(epochs=1, batch_tokens=0))
    assert describe(found)["batch_tokens"] == budget.batch_tokens(TRAIN.tokens)
    assert len(found.norms) == len(batches(TRAIN, budget.batch_tokens(TRAIN.tokens), shuffle=True))
    assert describe(fitted(hparams(epochs=1, batch_tokens=64)))["batch_tokens"] == 64


def test_it_trains_for_as_many_epochs_as_the_params_say_or_else_as_the_documents_ask_for(monkeypatch):
    monkeypatch.setattr(budget, "IN_ALL", 4 * TRAIN.tokens)
    assert len(fitted(hparams(epochs=0, patience=6)).history) == 4
    assert len(fitted(hparams(epochs=3, patience=6)).history) == 3


# A function of the seed


def test_the_same_seed_gives_the_same_weights_bit_for_bit():
    torch.manual_seed(1)
    one = fitted()
    torch.manual_seed(2)
    np.random.seed(2)
    other = fitted()
    assert state(one) == state(other)
    without_time = [[{**row, "seconds": 0} for row in found.history] for found in (one, other)]
    assert without_time[0] == without_time[1]


def test_every_epoch_comes_in_the_order_of_its_seed_and_number():
    class Seen(Callback):
        def on_train_batch_start(self, trainer, _module, batch, _index):
            ids, lengths = batch.ids, batch.lengths
            seen[trainer.current_epoch].append([row[:n] for row, n in zip(ids.tolist(), lengths, strict=True)])

    seen = [[], [], []]
    fitted(hparams(epochs=3, seed=5), callbacks=[Seen()])
    sampler = BucketSampler(TRAIN.lengths, 128, seed=5, shuffle=True)
    for number, found in enumerate(seen):
        sampler.set_epoch(number)
        assert found == [[documents_of(TRAIN)[i].tolist() for i in batch] for batch in sampler.batches()]
    assert seen[0] != seen[1] != seen[2]


def test_another_seed_gives_other_weights():
    one, other = fitted(hparams(seed=0)), fitted(hparams(seed=1))
    assert all(one_bytes != other_bytes for one_bytes, other_bytes in zip(*map(_drawn, (one, other)), strict=True))


def _drawn(found):
    """Return the tensors that begin at random."""
    return [weights for name, weights in state(found).items() if "weight" in name]


def test_an_untrained_model_is_a_function_of_the_seed():
    one, same, other = (build(hparams(seed=seed), vocabulary_size=WORDS, classes=2) for seed in (3, 3, 4))
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


# Every epoch is validated, and the best one's weights return


def test_every_epoch_has_its_own_row(learned):
    assert [row["epoch"] for row in learned.history] == list(range(1, 16))
    for key in ("train_loss", "val_loss"):
        assert len({row[key] for row in learned.history}) == len(learned.history)
    assert all(math.isfinite(value) for row in learned.history for value in row.values())


def test_the_best_epochs_weights_return(learned):
    accuracies = [row["val_accuracy"] for row in learned.history]
    assert learned.best == learned.history[int(np.argmax(accuracies))]
    assert learned.best != learned.history[-1]  # or this test would show nothing
    assert not learned.model.training
    with torch.inference_mode():
        logits = learned.model(*pad(documents_of(VAL)))
    targets = torch.from_numpy(VAL.scalars["targets"])
    assert (logits.argmax(-1) == targets).float().mean() == learned.best["val_accuracy"]
    loss = torch.nn.functional.cross_entropy(logits, targets).item()
    assert loss == pytest.approx(learned.best["val_loss"], rel=1e-4)


def test_training_stops_when_accuracy_has_stopped_rising():
    found = fitted(hparams(epochs=10, patience=2, learning_rate=1e-9))
    assert len(found.history) == 3
    assert found.best == found.history[0]


@pytest.mark.parametrize("epochs", [1, 10])
def test_a_run_may_have_as_few_steps_as_epochs(epochs):
    found = fitted(hparams(epochs=epochs, patience=10, batch_tokens=10_000))
    assert len(found.history) == epochs


def test_the_report_is_of_the_best_epoch(learned):
    report = describe(learned)
    assert report["epochs"] == 15
    for key in ("train_loss", "val_loss", "val_accuracy", "val_macro_f1"):
        assert report[key] == learned.best[key]
    assert report["best_epoch"] == learned.best["epoch"]
    assert report["parameters"] == sum(weights.numel() for weights in learned.model.state_dict().values())
    seconds = sum(row["seconds"] for row in learned.history)
    assert report["tokens_per_second"] == pytest.approx(15 * TRAIN.tokens / seconds, abs=1)
    assert report["precision"] == learned.precision.name


# What a person sees


def test_a_pipe_gets_one_plain_line_an_epoch(capsys):
    found = fitted(quiet=False)
    printed = capsys.readouterr()
    first, *lines = printed.out.splitlines()
    assert printed.err == ""
    assert first == f"precision {found.precision.name}: {found.precision.reason}"
    assert len(lines) == len(found.history) == 2
    for line, row in zip(lines, found.history, strict=True):
        assert re.fullmatch(
            rf"epoch +{row['epoch']}/2  train loss {row['train_loss']:.3f}  val loss {row['val_loss']:.3f}  "
            rf"val accuracy {row['val_accuracy']:.3f}  \d+\.\d s",
            line,
        )


def test_quiet_prints_nothing(capsys):
    fitted()
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_below_the_lines():
    assert [type(shown) for shown in progress(History(1.0))] == [EpochLines]
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as terminal, redirect_stdout(terminal):
        lines, bar = progress(History(1.0))
    assert isinstance(lines, EpochLines)
    assert isinstance(bar, RichProgressBar)


# Divergence


class Poison(Callback):
    """Break a weight before the sixth step."""

    def on_train_batch_start(self, trainer, module, *_):
        if trainer.global_step == 5:
            module.model.head.weight.data[0, 0] = math.inf


def test_a_gradient_that_is_not_finite_stops_with_step_documents_and_checkpoint(tmp_path):
    with pytest.raises(DivergedError) as caught:
        fitted(hparams(epochs=3), callbacks=[Poison()], checkpoints=tmp_path)
    message = str(caught.value)
    assert "the gradient's norm is nan at step 5 (epoch 1, batch 5: documents " in message
    assert "lower train.learning_rate or train.clip_norm" in message
    assert "\n" not in message
    expected = BucketSampler(TRAIN.lengths, 128, seed=0, shuffle=True).batches()[5]
    assert all(f"{TRAIN.names[i]}," in message or f" {TRAIN.names[i]} " in message for i in expected[:5])
    assert str(tmp_path) not in message  # there was none yet


def test_the_last_good_checkpoint_is_named_and_good(tmp_path):
    class Later(Poison):
        def on_train_batch_start(self, trainer, module, *_):
            if trainer.current_epoch == 1:
                module.model.head.weight.data[0, 0] = math.inf

    with pytest.raises(DivergedError, match=re.escape(f"checkpoint is {tmp_path / 'training.ckpt'}")):
        fitted(hparams(epochs=3), callbacks=[Later()], checkpoints=tmp_path)
    assert state(fitted(hparams(epochs=3), checkpoints=tmp_path)) == state(fitted(hparams(epochs=3)))


# Interruption


class Interrupted(Callback):
    """Press Ctrl+C in the second epoch."""

    def on_train_epoch_start(self, trainer, _module):
        if trainer.current_epoch == 1:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_reaches_the_caller_and_the_next_one_still_would():
    # A job in a shell's background ignores SIGINT, and so would this test there
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            fitted(callbacks=[Interrupted()])
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("error", [RuntimeError("as it is"), SystemExit(3)])
def test_any_other_failure_reaches_the_caller_as_it_is(error):
    class Broken(Callback):
        def on_train_batch_start(self, *_):
            raise error

    with pytest.raises(type(error)) as caught:
        fitted(callbacks=[Broken()])
    assert caught.value is error


# Rare labels


def imbalanced(count, seed):
    """Return documents of which 5 in 100 have the second label: a word that half of them share with the others."""
    random = np.random.default_rng(seed)
    targets = (np.arange(count) % 20 == 0).astype(np.int64)
    ids = random.integers(4, WORDS, (count, 5))
    hint = random.random(count) < np.where(targets == 1, 0.8, 0.05)
    ids[hint, random.integers(0, 5, count)[hint]] = 2
    return dataset(ids, targets)


def test_balanced_weights_raise_macro_f1_where_a_label_is_rare():
    data = given(imbalanced(600, seed=0), imbalanced(600, seed=1))
    rows = {
        weights: fitted(hparams(class_weights=weights, epochs=4), data).history[-1]
        for weights in ("none", "balanced")
    }
    assert rows["balanced"]["val_macro_f1"] > rows["none"]["val_macro_f1"] + 0.05


def test_the_linear_model_beside_a_network_weighs_rare_labels_as_it_does():
    data = given(imbalanced(600, seed=0), imbalanced(200, seed=1))

    def rare(weights):
        params = hparams(model={"ngrams": 1, "ngram_weight": 0.5}, class_weights=weights, epochs=1)
        bias = fitted(params, data).model.linear.bias
        return float(bias[1] - bias[0])

    assert rare("balanced") > rare("none") + 1


def test_the_linear_model_weighs_more_beside_a_network_of_few_documents():
    data = given(imbalanced(300, seed=0), imbalanced(50, seed=1))
    for wanted, share in (("auto", ngram_weight(300)), (0.3, 0.3)):
        params = hparams(model={"ngrams": 1, "ngram_weight": wanted}, epochs=1)
        assert fitted(params, data).model.ngram_config.weight == share
