"""The linear baseline: TF-IDF with logistic regression (scikit-learn), tuned on validation, then refitted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from carousel.evaluation.report import scores
from carousel.params import Baseline

CLOSE = 1e-5  # of convergence; at 1e-3 strong models stop early, and lack two points on stdlib_docs' validation


@dataclass(frozen=True)
class Linear:
    """A baseline's figures.

    Attributes:
        test: of a model of train and validation together.
        val: of a model of train alone.
        c: the strength that did best on validation.
        features: of the model that was tested.
    """

    test: dict[str, float]
    val: dict[str, float]
    c: float
    features: int

    def report(self) -> dict[str, Any]:
        """Return what reports/baseline.json says."""
        return {**self.test, "val_accuracy": self.val["accuracy"], "c": self.c, "features": self.features}


def evaluate(splits: dict[str, pl.DataFrame], baseline: Baseline) -> Linear:
    """Fit on train, choose `c` by validation accuracy, fit again on both with that `c`, and score on test.

    The recurrent model learns from validation's documents, too, unless they are many (`train.refit`). The baseline
    always does, since it takes little time.

    Args:
        splits: frames of `text` and `label`, by split.
        baseline: the `baseline` section of params.yaml.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    labels = sorted(splits["train"]["label"].unique())
    index = {label: i for i, label in enumerate(labels)}
    targets = {name: np.array([index[label] for label in frame["label"]]) for name, frame in splits.items()}
    # any run of word characters is a word: the default drops one-letter ones, which questions are full of
    tfidf = TfidfVectorizer(ngram_range=(1, baseline.ngrams), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")

    def scored(learned: list[str], on: str, strengths: list[float]) -> dict[float, dict[str, float]]:
        """Return the scores on a split, by `c`, of models that learned from others."""
        features = tfidf.fit_transform(pl.concat([splits[name]["text"] for name in learned]))
        known, asked = np.concatenate([targets[name] for name in learned]), tfidf.transform(splits[on]["text"])
        # A strength begins with what the one before has learned
        model = LogisticRegression(max_iter=1000, tol=CLOSE, warm_start=True)
        return {
            c: scores(targets[on], model.set_params(C=c).fit(features, known).predict(asked), len(labels))
            for c in strengths
        }

    val = scored(["train"], "val", baseline.c)
    c = max(val, key=lambda c: val[c]["accuracy"])  # the first of the best
    test = scored(["train", "val"], "test", [c])
    return Linear(test[c], val[c], c, len(tfidf.vocabulary_))
