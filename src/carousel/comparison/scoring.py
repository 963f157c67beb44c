"""How a task scores predictions: sufficient statistics of each example, and metrics of their sums.

Every example yields a row of statistics, such as counts by label, and every metric is a function of their sum. So
resampling, slicing and comparing need to know no task.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from carousel.metric import Metric

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Statistics:
    """What each example adds to the sums that metrics are computed from. Equal rows are stored once.

    Attributes:
        rows: distinct rows, shape (rows, k).
        index: the row of each example, shape (examples,).
        correct: whether each example is predicted correctly as a whole, shape (examples,).
    """

    rows: Numbers
    index: Integers
    correct: npt.NDArray[np.bool_]

    def total(self, which: npt.NDArray[np.bool_] | None = None) -> Numbers:
        """Return the sum over all examples, or over some of them, shape (k,)."""
        chosen = self.index if which is None else self.index[which]
        return np.asarray(np.bincount(chosen, minlength=len(self.rows)) @ self.rows, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Slicing:
    """A division of the examples, such as by length.

    Attributes:
        kind: what they are divided by, such as `length`.
        names: of the slices.
        member: the slice of each example, as an index of `names`, shape (examples,).
    """

    kind: str
    names: tuple[str, ...]
    member: Integers


@dataclass(frozen=True, eq=False)
class ClassScores:
    """F1 of each class.

    Attributes:
        kind: what a class is, such as `label`.
        names: of the classes.
        support: how often each occurs, shape (classes,).
        f1: shape (classes,).
    """

    kind: str
    names: tuple[str, ...]
    support: Integers
    f1: Numbers


class Scoring(Protocol):
    """What a task knows of its predictions.

    Attributes:
        metrics: what `score` returns; the first one decides which of two models is better.
        example: what an example is called, such as `document`.
    """

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What `score` returns; the first one decides which of two models is better."""

    @property
    def example(self) -> str:
        """What an example is called, such as `document`."""

    def statistics(self, table: pl.DataFrame, classes: Sequence[str]) -> Statistics:
        """Return the statistics of a table of predictions.

        Args:
            table: a row an example, as the task's report writes it.
            classes: labels or tags, of all the models that are compared.
        """

    def score(self, sums: Numbers, classes: Sequence[str]) -> dict[str, Numbers]:
        """Return each metric, shape (*), of summed statistics, shape (*, k)."""

    def by_class(self, sums: Numbers, classes: Sequence[str]) -> ClassScores:
        """Return F1 of each class, of summed statistics, shape (k,)."""

    def slicings(self, table: pl.DataFrame, classes: Sequence[str]) -> list[Slicing]:
        """Return the divisions of the examples in which models are compared, too."""

    def agreement(self, a: pl.DataFrame, b: pl.DataFrame) -> float:
        """Return the fraction of decisions that two models make alike."""

    def disagreements(
        self, a: pl.DataFrame, b: pl.DataFrame, classes: tuple[tuple[str, ...], tuple[str, ...]]
    ) -> pl.DataFrame:
        """Return the examples that the models predict differently.

        Returns:
            `row` in the table, `id`, `actual`, both models' prediction and its probability (`a`, `p_a`, `b`,
            `p_b`), and `apart`, the distance between the predictions.
        """
