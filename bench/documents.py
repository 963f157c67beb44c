"""Documents to measure with: lengths as news and reviews have them, and something in them to learn."""

import numpy as np

from carousel.corpus.encoded import Encoded
from carousel.text.vocabulary import SPECIALS, Vocabulary

VOCABULARY = Vocabulary((*SPECIALS, *map(str, range(9_998))))
CLASSES, MAX_LENGTH = 10, 200
SIGNAL = 0.05  # of a document's words speak of its class


def documents(count: int, *, seed: int = 0, length: int | None = None) -> Encoded:
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
    return Encoded(
        ids=ids.astype(np.int32),
        offsets=np.concatenate([[0], lengths.cumsum()]),
        targets=targets,
        labels=tuple(map(str, range(CLASSES))),
        names=tuple(map(str, range(count))),
    )
