"""The linear baseline: TF-IDF with logistic regression (scikit-learn), tuned on the validation split."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from carousel.evaluation.report import scores
from carousel.params import Baseline


@dataclass(frozen=True)
class Linear:
    """A baseline's figures: on the test split, with the strength `c` that did best on validation."""

    test: dict[str, float]
    val: dict[str, float]
    c: float
    features: int

    def report(self) -> dict[str, Any]:
        """Return what reports/baseline.json says."""
        return {**self.test, "val_accuracy": self.val["accuracy"], "c": self.c, "features": self.features}


def evaluate(splits: dict[str, pl.DataFrame], baseline: Baseline) -> Linear:
    """Fit on train, choose `c` by validation accuracy, and score that one model on test.

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
    features = {"train": tfidf.fit_transform(splits["train"]["text"])}
    features |= {name: tfidf.transform(splits[name]["text"]) for name in ("val", "test")}
    best: tuple[dict[str, float], float, Any] | None = None
    for c in baseline.c:
        model = LogisticRegression(C=c, max_iter=1000, tol=1e-3).fit(features["train"], targets["train"])
        val = scores(targets["val"], model.predict(features["val"]), len(labels))
        if best is None or val["accuracy"] > best[0]["accuracy"]:
            best = (val, c, model)
    assert best is not None  # params ask for at least one c
    val, c, model = best
    test = scores(targets["test"], model.predict(features["test"]), len(labels))
    return Linear(test, val, c, features["train"].shape[1])
