"""Milliseconds a document, of several models side by side."""

import time
from collections.abc import Sequence
from itertools import islice
from statistics import median

import numpy as np

from carousel.bundle.bundle import Bundle

DOCUMENTS, ROUNDS = 50, 5


def milliseconds(
    bundles: Sequence[Bundle], texts: Sequence[str], *, documents: int = DOCUMENTS, rounds: int = ROUNDS
) -> list[float]:
    """Return each bundle's median milliseconds from a text to its prediction, one text at a time.

    The bundles take turns on each text, and another one begins each time, so that whatever else the machine does
    in between slows all of them alike. The first ten texts are asked once before it counts.

    Args:
        bundles: to be timed.
        texts: of which `documents` are taken, evenly spread.
        documents: how many texts a round has.
        rounds: how often each text is asked.
    """
    chosen = [texts[i] for i in np.unique(np.linspace(0, len(texts) - 1, documents).astype(int))]
    turns = len(bundles)
    taken: list[list[float]] = [[] for _ in bundles]
    for text in islice(chosen, 10):
        for bundle in bundles:
            bundle.predict([text])
    for turn in range(rounds * len(chosen)):
        text = chosen[turn % len(chosen)]
        for i in range(turns):
            which = (turn + i) % turns
            began = time.perf_counter()
            bundles[which].predict([text])
            taken[which].append(1000 * (time.perf_counter() - began))
    return [median(times) for times in taken]
