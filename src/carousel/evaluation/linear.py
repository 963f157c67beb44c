"""The linear baseline: TF-IDF of words and characters, with a linear support vector machine (scikit-learn).

Such a model is hard to beat on short texts (Wang and Manning 2012, "Baselines and bigrams"). It is tuned on
validation, then fitted on train and validation together.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, hstack

from carousel.evaluation.report import scores
from carousel.evaluation.term_counts import characters, words
from carousel.params import Baseline

C_BOUNDS = (1e-3, 1e2)  # below, a model says the majority's label; above, none has margins left to give up
TOLERANCE = 0.01  # of the solver; 1e-4, scikit-learn's default, is three times as slow for the same accuracy
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Linear:
    """A baseline's scores.

    Attributes:
        test: of a model of train and validation together.
        val: of a model of train alone.
        c: the inverse regularization strength that was best on validation; None for the majority label.
        features: of the model that was tested; 0 for the majority label.
    """

    test: dict[str, float]
    val: dict[str, float]
    c: float | None
    features: int

    def report(self) -> dict[str, Any]:
        """Return the content of reports/baseline.json."""
        val = {f"val_{name}": score for name, score in self.val.items()}
        return {**self.test, **val, "c": self.c, "features": self.features}


def evaluate(splits: dict[str, pl.DataFrame], baseline: Baseline) -> Linear:
    """Fit on train, choose C by validation accuracy, fit on both with that C, and score on test.

    The recurrent model also learns from validation's documents in the end, unless they are many (`train.refit`);
    the baseline always does. Where no training text has a feature, the answer is train's most frequent label.

    Args:
        splits: frames of `text` and `label`, by split.
        baseline: the `baseline` section of params.yaml.
    """
    labels = sorted(splits["train"]["label"].unique())
    whole = pl.concat([splits[name].select("text", "label") for name in ("train", "val", "test")])
    targets = whole["label"].replace_strict(labels, range(len(labels))).to_numpy()
    train, val, test = np.split(np.arange(whole.height), np.cumsum([splits["train"].height, splits["val"].height]))
    counts = [words(whole["text"], baseline.ngrams)]
    if baseline.characters:
        counts.append(characters(whole["text"], min(2, baseline.characters), baseline.characters))

    def score(predicted: npt.NDArray[np.int64], rows: Rows) -> dict[str, float]:
        return scores(targets[rows], predicted, len(labels))

    features, asked = _tfidf(counts, train, val)
    if not features.nnz:
        majority = np.bincount(targets[train]).argmax()
        return Linear(score(np.full(len(test), majority), test), score(np.full(len(val), majority), val), None, 0)
    found: dict[float, dict[str, float]] = {}

    def accuracy(c: float) -> float:
        found[c] = score(_fitted(features, targets[train], c).predict(asked), val)
        return found[c]["accuracy"]

    c = best(accuracy, baseline.c)
    learned = np.concatenate([train, val])
    features, asked = _tfidf(counts, learned, test)
    return Linear(
        score(_fitted(features, targets[learned], c).predict(asked), test), found[c], c, features.shape[1]
    )


def best(score: Callable[[float], float], grid: Sequence[float]) -> float:
    """Return the value with the highest score, the smallest among equal ones.

    A grid of several values grows by its own factor, within `C_BOUNDS`, while the best is at an edge; a single
    value is taken as it is.
    """
    found = {value: score(value) for value in sorted(grid)}
    while True:
        values = sorted(found)
        chosen = max(values, key=lambda value: found[value])
        if chosen not in (values[0], values[-1]) or len(values) == 1:
            return chosen
        beyond = chosen**2 / (values[1] if chosen == values[0] else values[-2])
        if not C_BOUNDS[0] <= beyond <= C_BOUNDS[1]:
            return chosen
        found[beyond] = score(beyond)


def _tfidf(counts: list[csr_matrix], learned: Rows, asked: Rows) -> tuple[csr_matrix, csr_matrix]:
    """Return the features of some rows, and of others with the weights that the first ones gave.

    All texts are counted together, once. N-grams that the learned rows lack are no features, so that the other rows
    have no influence on the model.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    of_learned, of_asked = [], []
    for matrix in counts:
        known = matrix[learned]
        seen = np.flatnonzero(np.bincount(known.indices, minlength=known.shape[1]))
        if len(seen):
            weights = TfidfTransformer(sublinear_tf=True).fit(known[:, seen])
            of_learned.append(weights.transform(known[:, seen]))
            of_asked.append(weights.transform(matrix[asked][:, seen]))
    if not of_learned:
        return csr_matrix((len(learned), 0)), csr_matrix((len(asked), 0))
    return hstack(of_learned, "csr"), hstack(of_asked, "csr")


def _fitted(features: csr_matrix, targets: npt.NDArray[np.int64], c: float) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings():
        # Such a model is judged on validation like any other
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LinearSVC(C=c, tol=TOLERANCE, dual=True, random_state=0).fit(features, targets)
