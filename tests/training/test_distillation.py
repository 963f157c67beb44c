"""Training with a teacher's predictions beside the labels."""

from dataclasses import replace

import numpy as np
import pytest

from carousel.tasks.classification.learner import TEACHER
from carousel.training.checkpoint import identity
from carousel.training.refit import refit
from tests.training.order_problem import DATA, LEARNER, TRAIN, VAL, fitted, given, hparams, state
from tests.training.test_checkpoint import RANDOM, often, outcome, stopped_everywhere

__all__ = ["often"]


def taught(data, logits):
    return replace(data, scalars={**data.scalars, TEACHER: logits.astype(np.float32)})


def certain(data, sign=10):
    """Return logits of a teacher that is certain of the labels, or with the other sign of the wrong ones."""
    return sign * np.eye(2)[data.scalars["targets"]]


def noise(data, seed=0):
    return np.random.default_rng(seed).normal(0, 2, (len(data), 2))


TAUGHT = given(taught(TRAIN, noise(TRAIN)), taught(VAL, noise(VAL)))


def test_a_weight_of_0_is_training_without_a_teacher_bit_for_bit():
    params = hparams(model=RANDOM, distillation=0.0)
    assert outcome(fitted(params, TAUGHT)) == outcome(fitted(params))


def test_without_a_teacher_weight_and_temperature_change_nothing():
    params = hparams(model=RANDOM, distillation=1.0, temperature=5.0)
    assert state(fitted(params)) == state(fitted(hparams(model=RANDOM)))


def test_a_student_learns_what_its_teacher_says_and_not_the_labels():
    data = given(taught(TRAIN, certain(TRAIN, -10)), taught(VAL, certain(VAL, -10)))
    found = fitted(hparams(epochs=8, patience=8, distillation=1.0, temperature=1.0), data)
    assert found.history[-1]["val_accuracy"] < 0.1


def test_a_stopped_training_with_a_teacher_goes_on_to_the_same_end(often, tmp_path):
    params = hparams(model=RANDOM, epochs=2, batch_tokens=400, distillation=0.7)
    expected = outcome(fitted(params, TAUGHT))
    assert expected != outcome(fitted(params))
    assert stopped_everywhere(tmp_path, params, expected, TAUGHT) > 10


def test_the_second_training_learns_from_the_teachers_predictions_for_validation_too():
    params = hparams(model=RANDOM, refit="always", distillation=0.9)
    second = refit(LEARNER, params, fitted(params, TAUGHT), TAUGHT, quiet=True)
    assert state(second) == state(fitted(params, TAUGHT.joined()))
    other = given(TAUGHT.train, taught(VAL, noise(VAL, seed=1)))
    assert state(second) != state(refit(LEARNER, params, fitted(params, other), other, quiet=True))


def test_another_teacher_is_another_training():
    other = given(taught(TRAIN, noise(TRAIN, seed=1)), TAUGHT.val)
    names = {identity(hparams(), data, "fp32") for data in (DATA, TAUGHT, other)}
    assert len(names) == 3


@pytest.mark.parametrize("model", [{"ngrams": 2}, {"ngrams": 2, "ngram_weight": 0.0}])
def test_a_student_may_have_n_grams(model):
    found = fitted(hparams(model=model, epochs=1, distillation=0.5), TAUGHT)
    assert len(found.history) == 1
