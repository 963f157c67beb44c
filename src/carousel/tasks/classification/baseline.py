"""The linear baseline: TF-IDF of words and characters, with a linear support vector machine (scikit-learn).

Such a model is hard to beat on short texts (Wang and Manning 2012, "Baselines and bigrams"). It is tuned on
validation, then fitted on train and validation together.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, diags, hstack

from carousel.tasks.classification.params import Baseline
from carousel.tasks.classification.scores import scores
from carousel.tasks.classification.term_counts import characters, words

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
        classes: the labels.
        table: `id`, `actual` and `predicted` of each test document.
    """

    test: dict[str, float]
    val: dict[str, float]
    c: float | None
    features: int
    characters: int
    classes: tuple[str, ...]
    table: pl.DataFrame = field(repr=False, compare=False)

    def describe(self) -> str:
        """Return what the model is, for a line of output."""
        if self.c is None:
            return "no training text has a word, so the baseline predicts the most frequent label"
        of = "words and characters" if self.characters else "words"
        return f"TF-IDF of {of} with a linear SVM, C={self.c:g}"

    def report(self) -> dict[str, Any]:
        """Return the content of reports/baseline.json and reports/baseline_fit.json."""
        val = {f"val_{name}": score for name, score in self.val.items()}
        return {**self.test, **val, "c": self.c, "features": self.features, "characters": self.characters}

    def predictions(self) -> pl.DataFrame:
        """Return each test document's actual and predicted label; this model counts no tokens."""
        return self.table.with_columns(tokens=pl.lit(0, pl.Int64))


@dataclass(frozen=True)
class Fold:
    """Documents to learn from and to predict: features, shape (documents, features), and the labels' indices."""

    known: csr_matrix
    known_targets: Integers
    new: csr_matrix
    new_targets: Integers

    @property
    def features(self) -> int:
        """How many features there are."""
        return int(self.known.shape[1])

    def predict(self, c: float | None) -> Integers:
        """Return the labels' indices that a model predicts; without C or with one label, the most frequent one."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import LinearSVC

        if c is None or len(np.unique(self.known_targets)) == 1:
            return np.full(len(self.new_targets), np.bincount(self.known_targets).argmax())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # validation judges such a model like any other
            model = LinearSVC(C=c, tol=TOLERANCE, dual=True, random_state=0).fit(self.known, self.known_targets)
        predicted: Integers = model.predict(self.new)
        return predicted


def evaluate(splits: dict[str, pl.DataFrame], baseline: Baseline) -> Linear:
    """Choose C, fit on train and validation with it, and score on test.

    C is chosen by the mean of accuracy and macro-F1: on validation, with models of train, or, where validation has
    few documents, in cross-validation within both. The recurrent model also learns from validation's documents in
    the end, unless they are many (`train.refit`). Where no training text has a feature, the prediction is the most
    frequent label.

    Args:
        splits: frames of `id`, `text` and `label`, by split.
        baseline: the `baseline` section of params.yaml.
    """
    labels = sorted(splits["train"]["label"].unique())
    whole = pl.concat([splits[name].select("text", "label") for name in ("train", "val", "test")])
    targets = whole["label"].replace_strict(labels, range(len(labels))).to_numpy()
    ends = np.cumsum([splits["train"].height, splits["val"].height])
    train, val, test = np.split(np.arange(whole.height), ends)
    both = np.concatenate([train, val])
    counts, importance, longest = _ngrams(whole["text"], baseline)

    def fold(learned: Integers, asked: Integers) -> Fold:
        known, new = _tfidf(counts, importance, learned, asked)
        return Fold(known, targets[learned], new, targets[asked])

    validation = fold(train, val)
    few = len(val) < FEW
    tuning = [fold(*rows) for rows in _divided(both, targets)] if few else [validation]
    found: dict[float, dict[str, float]] = {}

    def score(c: float) -> float:
        found[c] = _scores(tuning, c, len(labels))
        return (found[c]["accuracy"] + found[c]["macro_f1"]) / 2

    c = best(score, baseline.c) if validation.features else None
    val_scores = _scores([validation], c, len(labels)) if few or c is None else found[c]
    final = fold(both, test)
    predicted = final.predict(c)
    names = np.array(labels)
    return Linear(
        scores(final.new_targets, predicted, len(labels)),
        val_scores,
        c,
        final.features,
        longest,
        tuple(labels),
        pl.DataFrame(
            {"id": splits["test"]["id"], "actual": names[final.new_targets], "predicted": names[predicted]}
        ),
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


def _scores(folds: list[Fold], c: float | None, classes: int) -> dict[str, float]:
    """Return accuracy and macro-F1 over the documents of all folds together."""
    targets = np.concatenate([fold.new_targets for fold in folds])
    return scores(targets, np.concatenate([fold.predict(c) for fold in folds]), classes)


def _divided(rows: Integers, targets: Integers) -> list[tuple[Integers, Integers]]:
    """Return the rows outside and inside of each fold; folds have each label alike."""
    ordered = rows[np.argsort(targets[rows], kind="stable")]
    folds = min(FOLDS, len(rows))
    number = np.arange(len(rows)) % folds
    return [(ordered[number != fold], ordered[number == fold]) for fold in range(folds)]


def _ngrams(texts: pl.Series, baseline: Baseline) -> tuple[csr_matrix, npt.NDArray[np.float32], int]:
    """Return counts, shape (texts, n-grams), each n-gram's weight, and the longest n-gram of characters."""
    of_words = words(texts, baseline.ngrams)
    importance = np.full(of_words.shape[1], WORD_WEIGHT, np.float32)
    longest = baseline.characters if texts.str.len_chars().sum() <= MOST_CHARACTERS else 0
    if not longest:
        return of_words, importance, 0
    of_characters = characters(texts, 1, longest)
    importance = np.append(importance, np.ones(of_characters.shape[1], np.float32))
    return hstack([of_words, of_characters], "csr"), importance, longest


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
