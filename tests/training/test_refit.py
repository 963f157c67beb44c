import re
import shutil

import numpy as np
import pytest

from carousel.nn.batch import pad
from carousel.training import budget, checkpoint
from carousel.training.fit import describe
from carousel.training.refit import FOLDER, refit, wanted
from tests.support.datasets import dataset, documents_of
from tests.training.order_problem import DATA, LEARNER, TRAIN, VAL, fitted, given, hparams, order_problem, state
from tests.training.test_checkpoint import RANDOM, StopAt, StoppedError

BOTH = DATA.joined()


def twice(params, data=DATA, checkpoints=None, callbacks=()):
    """Do what the train stage does."""
    first = fitted(params, data, callbacks=callbacks, checkpoints=checkpoints)
    return first, refit(LEARNER, params, first, data, checkpoints=checkpoints, quiet=True)


def test_never_gives_the_first_training_back():
    first, second = twice(hparams(refit="never"))
    assert second is first
    assert describe(second)["documents"] == len(TRAIN)
    assert describe(second)["refit_epochs"] == 0


def test_auto_goes_by_how_much_there_is_to_learn_from(monkeypatch):
    assert not wanted(hparams(refit="never"), TRAIN)
    assert wanted(hparams(refit="always"), TRAIN)
    monkeypatch.setattr(budget, "FEW", TRAIN.tokens)
    assert wanted(hparams(refit="auto"), TRAIN)
    monkeypatch.setattr(budget, "FEW", TRAIN.tokens - 1)
    assert not wanted(hparams(refit="auto"), TRAIN)
    assert wanted(hparams(refit="always"), TRAIN)


def test_it_is_the_whole_training_of_both_splits_whichever_epoch_was_best():
    params = hparams(refit="always", epochs=6, patience=6, model=RANDOM)
    first, second = twice(params)
    assert first.best["epoch"] < 6  # or this would not show where it ends
    assert state(second) == state(fitted(params, BOTH))
    assert state(second) != state(first)
    assert len(second.refit) == describe(second)["refit_epochs"] == 6
    assert second.documents == len(TRAIN) + len(VAL)


def test_it_is_as_long_as_was_best_where_patience_ended_the_first():
    params = {"refit": "always", "patience": 2, "learning_rate": 1e-9}
    first, second = twice(hparams(epochs=10, **params))
    assert len(first.history) == 3
    assert first.best["epoch"] == len(second.refit) == 1
    assert state(second) == state(fitted(hparams(epochs=1, **params), BOTH))


def test_its_epochs_and_batches_are_those_that_were_validated(monkeypatch):
    monkeypatch.setattr(budget, "IN_ALL", 5 * TRAIN.tokens)  # both splits together would have fewer
    params = hparams(refit="always", epochs=0, batch_tokens=0, patience=6)
    assert budget.epochs(BOTH.train.tokens) < budget.epochs(TRAIN.tokens) == 5
    first, second = twice(params)
    same = hparams(epochs=5, batch_tokens=first.batch_tokens)
    assert state(second) == state(fitted(same, BOTH))


def test_figures_stay_those_of_documents_that_were_not_learned_from():
    first, second = twice(hparams(refit="always"))
    changed = {"documents", "refit_epochs", "tokens_per_second"}
    before, after = describe(first), describe(second)
    assert {key for key in before if before[key] != after[key]} <= changed
    assert second.history == first.history
    assert all("val_accuracy" not in row for row in second.refit)


def test_it_learns_what_only_validation_has():
    """Train has one order alone, so what the other means is in validation."""
    one = order_problem(160, seed=3)
    kept = np.flatnonzero(one.scalars["targets"] == 0)
    train = dataset([documents_of(one)[i] for i in kept], one.scalars["targets"][kept])
    params = hparams(refit="always", epochs=20, patience=20, model={"word_dropout": 0.0})
    first = fitted(params, given(train, train))
    second = refit(LEARNER, params, first, given(train, order_problem(160, seed=4)), quiet=True)
    assert accuracy(first.model, VAL) == 0.5
    assert accuracy(second.model, VAL) > 0.9


def accuracy(model, encoded):
    logits = model(*pad(documents_of(encoded)))
    return float((logits.argmax(-1).numpy() == encoded.scalars["targets"]).mean())


def test_n_grams_are_counted_in_both_splits():
    first, second = twice(hparams(refit="always", epochs=1, model={"ngrams": 2}))
    assert int(first.model.ngrams.documents.sum()) == len(TRAIN)
    assert int(second.model.ngrams.documents.sum()) == len(BOTH.train)


# Interruption


def outcome(found):
    return state(found), [[{**row, "seconds": 0} for row in rows] for rows in (found.history, found.refit)]


def test_it_goes_on_to_the_same_end_wherever_it_was_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "CHECKPOINT_TIME_FRACTION", 1e9)
    params = hparams(refit="always", model=RANDOM, epochs=2, batch_tokens=800, patience=2)
    (tmp_path / "first").mkdir()
    first = fitted(params, checkpoints=tmp_path / "first")
    expected = refit(LEARNER, params, first, DATA, quiet=True)
    moment = 0
    while True:
        moment += 1
        folder = tmp_path / str(moment)
        shutil.copytree(tmp_path / "first", folder)
        inside = folder / FOLDER
        inside.mkdir()
        stopping = [StopAt(moment)]
        try:
            fitted(params, BOTH, callbacks=stopping, checkpoints=inside)
        except StoppedError:
            assert outcome(twice(params, checkpoints=folder)[1]) == outcome(expected), f"stopped at moment {moment}"
        else:
            break
    assert moment > 6


def test_a_training_that_was_stopped_early_in_its_first_part_has_both_parts(tmp_path):
    params = hparams(refit="always", model=RANDOM)
    with pytest.raises(StoppedError):
        twice(params, checkpoints=tmp_path, callbacks=[StopAt(5)])
    assert outcome(twice(params, checkpoints=tmp_path)[1]) == outcome(twice(params)[1])


# What a person sees


def test_it_says_what_it_does_and_has_a_line_an_epoch(capsys):
    params = hparams(refit="always")
    first = fitted(params)
    refit(LEARNER, params, first, DATA)
    printed = capsys.readouterr()
    said, _precision, *lines = printed.out.splitlines()
    best = first.best
    assert said == (
        f"val accuracy was {best['val_accuracy']:.4f}, in epoch {best['epoch']}; training again on train and val "
        f"together, {len(BOTH.train)} examples"
    )
    assert len(lines) == len(first.history)
    assert all(re.fullmatch(r"epoch +\d+/\d+  train loss \d\.\d{3}  \d+\.\d s", line) for line in lines)
    assert printed.err == ""
