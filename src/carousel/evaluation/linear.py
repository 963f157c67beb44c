"""The linear baseline: TF-IDF of words and characters, with a linear support vector machine (scikit-learn).

Such a model is hard to beat on short texts (Wang and Manning 2012, "Baselines and bigrams"). It is tuned on
validation, then fitted on train and validation together.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, diags, hstack

from carousel.evaluation.ngram_counts import characters, words
from carousel.evaluation.report import scores
from carousel.params import Baseline

C_BOUNDS = (1e-3, 1e2)  # below, a model says the majority's label; above, none has margins left to give up
FEW = 500  # validation documents; fewer say too little about C
FOLDS = 5
MOST_CHARACTERS = 20_000_000  # in all texts; of more, n-grams of characters take minutes, and gigabytes of memory
WORD_WEIGHT = 2.0  # of n-grams of words, since those of characters are many more; chosen on validation
TOLERANCE = 0.01  # of the solver; 1e-4, scikit-learn's default, is slower and no more accurate
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Linear:
    """A baseline's scores.

    Attributes:
        test: of a model of train and validation together.
        val: of a model of train alone.
        c: the inverse regularization strength that was chosen; None for the most frequent label.
        features: of the model that was tested.
        characters: the longest n-gram of characters among them; 0 for words alone.
    """

    test: dict[str, float]
    val: dict[str, float]
    c: float | None
    features: int
    characters: int

    def report(self) -> dict[str, Any]:
        """Return the content of reports/baseline.json."""
        val = {f"val_{name}": score for name, score in self.val.items()}
        return {**self.test, **val, "c": self.c, "features": self.features, "characters": self.characters}


def evaluate(splits: dict[str, pl.DataFrame], baseline: Baseline) -> Linear:
    """Choose C, fit on train and validation with it, and score on test.

    C is chosen by the validation accuracy of models of train, or, where validation has few documents, by
    cross-validation within both. The recurrent model also learns from validation's documents in the end, unless
    they are many (`train.refit`). Where no training text has a feature, the answer is train's most frequent label.

    Args:
        splits: frames of `text` and `label`, by split.
        baseline: the `baseline` section of params.yaml.
    """
    labels = sorted(splits["train"]["label"].unique())
    whole = pl.concat([splits[name].select("text", "label") for name in ("train", "val", "test")])
    targets = whole["label"].replace_strict(labels, range(len(labels))).to_numpy()
    ends = np.cumsum([splits["train"].height, splits["val"].height])
    train, val, test = np.split(np.arange(whole.height), ends)
    both = np.concatenate([train, val])
    counts = words(whole["text"], baseline.ngrams)
    importance = np.full(counts.shape[1], WORD_WEIGHT, np.float32)
    longest = baseline.characters if whole["text"].str.len_chars().sum() <= MOST_CHARACTERS else 0
    if longest:
        counts = hstack([counts, characters(whole["text"], 1, longest)], "csr")
        importance = np.append(importance, np.ones(counts.shape[1] - len(importance), np.float32))

    # (documents to learn from, documents to predict)
    rounds = [(train, val), *(_folds(both, targets) if len(val) < FEW else [])]
    tuned_on = range(1, len(rounds)) if len(rounds) > 1 else range(1)
    features = [_tfidf(counts, importance, learned, asked) for learned, asked in rounds]

    @cache
    def predicted(number: int, c: float) -> Integers:
        known, new = features[number]
        return _predicted(known, targets[rounds[number][0]], new, c)

    def accuracy(c: float) -> float:
        right = [predicted(number, c) == targets[rounds[number][1]] for number in tuned_on]
        return float(np.concatenate(right).mean())

    c = best(accuracy, baseline.c) if features[0][0].shape[1] else None
    found = predicted(0, c or 1.0)
    features.clear()  # they may be large
    known, new = _tfidf(counts, importance, both, test)
    answers = _predicted(known, targets[both], new, c or 1.0)
    return Linear(
        test=scores(targets[test], answers, len(labels)),
        val=scores(targets[val], found, len(labels)),
        c=c,
        features=known.shape[1],
        characters=longest,
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


def _folds(rows: Integers, targets: Integers) -> list[tuple[Integers, Integers]]:
    """Divide rows into folds that have each label alike; return the rows outside and inside of each."""
    ordered = rows[np.argsort(targets[rows], kind="stable")]
    folds = min(FOLDS, len(rows))
    fold = np.arange(len(rows)) % folds
    return [(ordered[fold != number], ordered[fold == number]) for number in range(folds)]


def _tfidf(
    counts: csr_matrix, importance: npt.NDArray[np.float32], learned: Integers, asked: Integers
) -> tuple[csr_matrix, csr_matrix]:
    """Return the features of some rows, and those of others with the inverse document frequencies of the first.

    All texts are counted together, once. N-grams that the learned rows lack are no features, so that the other rows
    have no influence on the model.
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.preprocessing import normalize

    known, new = counts[learned], counts[asked]
    seen = np.flatnonzero(np.bincount(known.indices, minlength=counts.shape[1]))
    known, new = known[:, seen], new[:, seen]
    if not len(seen):
        return known, new
    tfidf = TfidfTransformer(sublinear_tf=True, norm=None).fit(known)
    scale = diags(importance[seen])
    return normalize(tfidf.transform(known) @ scale), normalize(tfidf.transform(new) @ scale)


def _predicted(known: csr_matrix, targets: Integers, new: csr_matrix, c: float) -> Integers:
    """Return the predictions for new rows of a model of the known ones."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    if not known.shape[1] or len(np.unique(targets)) == 1:  # of a fold
        return np.full(new.shape[0], np.bincount(targets).argmax())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # validation judges such a model like any other
        model = LinearSVC(C=c, tol=TOLERANCE, dual=True, random_state=0).fit(known, targets)
    predictions: Integers = model.predict(new)
    return predictions
