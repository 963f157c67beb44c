"""Milliseconds per example, of several models side by side."""

import time
from collections.abc import Sequence
from itertools import islice
from statistics import median
from typing import Any

import numpy as np

from carousel.predictor import Predictor

DOCUMENTS, ROUNDS = 50, 5


def milliseconds(
    predictors: Sequence[Predictor], inputs: Sequence[Any], *, documents: int = DOCUMENTS, rounds: int = ROUNDS
) -> list[float]:
    """Return each model's median milliseconds from an input to its prediction, one input at a time.

    The models take turns on each input, and another one begins each time, so that whatever else the machine does in
    between slows all of them alike. The first ten inputs are predicted once before it counts.

    Args:
        predictors: the models to be timed.
        inputs: of which `documents` are taken, evenly spread.
        documents: number of inputs in a round.
        rounds: how often each input is predicted.
    """
    chosen = [inputs[i] for i in np.unique(np.linspace(0, len(inputs) - 1, documents).astype(int))]
    turns = len(predictors)
    taken: list[list[float]] = [[] for _ in predictors]
    for given in islice(chosen, 10):
        for predictor in predictors:
            predictor.predict([given])
    for turn in range(rounds * len(chosen)):
        given = chosen[turn % len(chosen)]
        for i in range(turns):
            which = (turn + i) % turns
            began = time.perf_counter()
            predictors[which].predict([given])
            taken[which].append(1000 * (time.perf_counter() - began))
    return [median(times) for times in taken]
