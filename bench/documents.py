"""Documents to measure with: lengths as news and reviews have them, and something in them to learn."""

import numpy as np

from carousel.corpus.dataset import Dataset, Ragged
from carousel.corpus.training_data import VOCABULARY as VOCABULARY_PART
from carousel.corpus.training_data import TrainingData
from carousel.tasks.classification.labels import PART as LABELS
from carousel.tasks.classification.labels import to_part
from carousel.text.vocabulary import SPECIALS, Vocabulary

VOCABULARY = Vocabulary((*SPECIALS, *map(str, range(9_998))))
CLASSES, MAX_LENGTH = 10, 200
SIGNAL = 0.05  # of a document's words speak of its class


def documents(count: int, *, seed: int = 0, length: int | None = None) -> Dataset:
    """Return documents of log-normal lengths, median 40, at most 200; or all of one length.

    Words are drawn at random, but for one in twenty, which is one of the hundred words of the document's class.
    """
    random = np.random.default_rng(seed)
    lengths = np.clip(random.lognormal(np.log(40), 0.9, count), 2, MAX_LENGTH).astype(np.int64)
    if length is not None:
        lengths[:] = length
    targets = random.integers(0, CLASSES, count)
    ids = random.integers(2, len(VOCABULARY), lengths.sum())
    spoken = random.random(len(ids)) < SIGNAL
    ids[spoken] = 2 + 100 * np.repeat(targets, lengths)[spoken] + random.integers(0, 100, spoken.sum())
    return Dataset(
        {"ids": Ragged.ending(ids.astype(np.int32), lengths)}, {"targets": targets}, tuple(map(str, range(count)))
    )


def training_data(train: Dataset, val: Dataset) -> TrainingData:
    """Return documents to train on and to validate with, and the vocabulary and labels of both."""
    parts = {
        VOCABULARY_PART: VOCABULARY.to_text().encode("utf-8"),
        LABELS: to_part([str(label) for label in range(CLASSES)]),
    }
    return TrainingData(train, val, parts)
