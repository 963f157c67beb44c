"""The baseline tagger: a conditional random field on hand-written features (python-crfsuite).

Intents are predicted by a linear support vector machine on words and pairs of adjacent words (scikit-learn).
"""

import ctypes
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from carousel.tasks.tagging.features import features
from carousel.tasks.tagging.params import Baseline
from carousel.tasks.tagging.scores import Intents, Tags, score, statistics

NO_EARLY_STOP = 0.0  # loss below which the averaged perceptron stops
L2 = 0.1  # regularization of L-BFGS, the coefficient c2


@dataclass(frozen=True)
class TaggingBaseline:
    """A baseline's scores, named as in `scores.score`.

    Attributes:
        test: of a model of train and validation together.
        val: of a model of train alone.
        algorithm: how the tagger was trained; None if all tokens of train and validation have the same tag.
        tags: how many different ones train and validation have.
    """

    test: dict[str, float]
    val: dict[str, float]
    algorithm: str | None
    tags: int

    def describe(self) -> str:
        """Return what the model is, for a line of output."""
        if self.algorithm is None:
            return "every token has the same tag, so the baseline predicts that"
        return f"CRF on hand-written features ({self.algorithm}), {self.tags} tags"

    def report(self) -> dict[str, Any]:
        """Return the content of reports/baseline.json and reports/baseline_fit.json."""
        val = {f"val_{name}": value for name, value in self.val.items()}
        return {**self.test, **val, "algorithm": self.algorithm, "tags": self.tags}


def evaluate(splits: dict[str, pl.DataFrame], baseline: Baseline) -> TaggingBaseline:
    """Train on train and score on validation; train on both and score on test.

    Args:
        splits: frames of `tokens`, `tags` and `intent`, by split.
        baseline: the training algorithm and its iterations.
    """
    columns = ("tokens", "tags", "intent")
    train, val, test = (splits[name].select(columns) for name in ("train", "val", "test"))
    both = pl.concat([train, val])
    tags = len(set(chain.from_iterable(both["tags"].to_list())))
    return TaggingBaseline(
        test=_scores(both, test, baseline),
        val=_scores(train, val, baseline),
        algorithm=baseline.algorithm if tags > 1 else None,
        tags=tags,
    )


def predict_tags(tokens: Tags, tags: Tags, new: Tags, baseline: Baseline) -> list[list[str]]:
    """Train a tagger and return its tags of new sentences.

    Where all tokens have the same tag, that is predicted.

    Args:
        tokens: of each training sentence.
        tags: of these tokens.
        new: tokens of each sentence to tag.
        baseline: the training algorithm and its iterations.
    """
    from pycrfsuite import Tagger, Trainer

    frequencies = Counter(chain.from_iterable(tags))
    if len(frequencies) < 2:
        return [list(frequencies) * len(sentence) for sentence in new]
    trainer = Trainer(baseline.algorithm, _options(baseline), verbose=False)
    # CRFsuite ends strings at a NUL character, so that tags are passed as numbers
    names = sorted(frequencies)
    numbers = {tag: str(i) for i, tag in enumerate(names)}
    for sentence, of_sentence in zip(tokens, tags, strict=True):
        if sentence:
            trainer.append(features(sentence), [numbers[tag] for tag in of_sentence])
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "model")
        ctypes.CDLL(None).srand(0)  # the averaged perceptron shuffles sentences with C's rand()
        trainer.train(path)
        tagger = Tagger()
        tagger.open(path)
        predicted = [tagger.tag(features(sentence)) if sentence else [] for sentence in new]
        tagger.close()
    return [[names[int(number)] for number in sentence] for sentence in predicted]


def predict_intents(tokens: Tags, intents: Sequence[str | None], new: Tags) -> list[str | None]:
    """Train a classifier on the sentences that have an intent, and return its intents of new sentences.

    Where all intents are the same, that is predicted; without any, None.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    known = [(sentence, intent) for sentence, intent in zip(tokens, intents, strict=True) if intent is not None]
    distinct = sorted({intent for _, intent in known})
    if len(distinct) < 2:
        return [distinct[0] if distinct else None] * len(new)
    vectorizer = TfidfVectorizer(analyzer=_words_and_pairs, sublinear_tf=True)
    model = LinearSVC(random_state=0).fit(
        vectorizer.fit_transform([sentence for sentence, _ in known]), [intent for _, intent in known]
    )
    predicted: list[str | None] = model.predict(vectorizer.transform(new)).tolist()
    return predicted


def _scores(known: pl.DataFrame, new: pl.DataFrame, baseline: Baseline) -> dict[str, float]:
    """Return the scores on `new` of models that are trained on `known`."""
    tokens, tags, intents = (known[name].to_list() for name in ("tokens", "tags", "intent"))
    new_tokens, new_tags, new_intents = (new[name].to_list() for name in ("tokens", "tags", "intent"))
    predicted = predict_tags(tokens, tags, new_tokens, baseline)
    found = (
        None
        if all(intent is None for intent in intents)
        else Intents(new_intents, predict_intents(tokens, intents, new_tokens))
    )
    counts = statistics(new_tags, predicted, found)
    return {name: float(value) for name, value in score(counts.sums, counts.names).items()}


def _options(baseline: Baseline) -> dict[str, Any]:
    """Return the options of CRFsuite's training algorithm."""
    if baseline.algorithm == "ap":
        return {"max_iterations": baseline.iterations, "epsilon": NO_EARLY_STOP}
    return {"max_iterations": baseline.iterations, "c1": 0.0, "c2": L2}


def _words_and_pairs(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    words = [token.lower() for token in tokens]
    return [*((word,) for word in words), *pairwise(words)]
