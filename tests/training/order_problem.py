"""A problem that only word order solves, small enough to train on in a second."""

import numpy as np

from carousel.task import find
from carousel.tasks.classification.params import Hparams, Model, Train
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.training.fit import fit
from tests.support.datasets import dataset, training_data

VOCABULARY = Vocabulary((*SPECIALS, *"abcdefghij"))
WORDS, A, B = len(VOCABULARY), 2, 3
LABELS = ("a before b", "b before a")
LEARNER = find("classification").make_learner


def order_problem(count, seed):
    """Return documents that hold a and b among noise: only their order tells the label."""
    random = np.random.default_rng(seed)
    documents, targets = [], np.arange(count) % 2
    for target in targets:
        ids = random.integers(B + 1, WORDS, random.integers(3, 8))
        places = np.sort(random.choice(len(ids), 2, replace=False))
        ids[places] = (A, B) if target == 0 else (B, A)
        documents.append(ids)
    return dataset(documents, targets)


TRAIN, VAL = order_problem(160, seed=0), order_problem(60, seed=1)


def given(train=TRAIN, val=VAL, vocabulary=VOCABULARY, pretrained=None):
    """Return what a training learns from."""
    return training_data(train, val, vocabulary, LABELS, pretrained)


DATA = given()


def hparams(cell="lstm", model=None, **train):
    small = {"embedding_size": 8, "hidden_size": 8, "dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.05}
    # Neighbours would tell the order without recurrence
    model = Model(**{"cell": cell, "ngrams": 0, **small, **(model or {})})
    return Hparams(model=model, train=Train(**{"epochs": 2, "batch_tokens": 128, "learning_rate": 0.03, **train}))


def fitted(params=None, data=DATA, **options):
    return fit(LEARNER, params or hparams(), data, **{"quiet": True, **options})


def state(found):
    """Return a fitted model's weights as bytes."""
    return {name: weights.numpy().tobytes() for name, weights in found.model.state_dict().items()}
