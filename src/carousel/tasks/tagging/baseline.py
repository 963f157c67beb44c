"""The baseline tagger: a conditional random field on hand-written features (python-crfsuite).

Intents are predicted by a linear support vector machine on words and pairs of adjacent words (scikit-learn).
"""

import ctypes
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from carousel.tasks.tagging import schemes
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
        classes: tags of train and validation, and of test; spans in BIO.
        table: `id`, `tokens`, `gold`, `predicted`, `intent` and `predicted_intent` of each test sentence.
    """

    test: dict[str, float]
    val: dict[str, float]
    algorithm: str | None
    tags: int
    classes: tuple[str, ...]
    table: pl.DataFrame = field(repr=False, compare=False)

    def describe(self) -> str:
        """Return what the model is, for a line of output."""
        if self.algorithm is None:
            return "every token has the same tag, so the baseline predicts that"
        return f"CRF on hand-written features ({self.algorithm}), {self.tags} tags"

    def report(self) -> dict[str, Any]:
        """Return the content of reports/baseline.json and reports/baseline_fit.json."""
        val = {f"val_{name}": value for name, value in self.val.items()}
        return {**self.test, **val, "algorithm": self.algorithm, "tags": self.tags}

    def predictions(self) -> pl.DataFrame:
        """Return the gold and predicted tags and intents of each test sentence."""
        return self.table


def evaluate(splits: dict[str, pl.DataFrame], baseline: Baseline) -> TaggingBaseline:
    """Train on train and score on validation; train on both and score on test.

    Args:
        splits: frames of `id`, `tokens`, `tags` and `intent`, by split.
        baseline: the training algorithm and its iterations.
    """
    columns = ("id", "tokens", "tags", "intent")
    train, val, test = (splits[name].select(columns) for name in ("train", "val", "test"))
    both = pl.concat([train, val])
    known = set(chain.from_iterable(both["tags"].to_list()))
    predicted = _predicted(both, test, baseline)
    gold = chain.from_iterable(predicted["gold"].to_list())
    given = chain.from_iterable(predicted["predicted"].to_list())
    return TaggingBaseline(
        test=_scores(predicted),
        val=_scores(_predicted(train, val, baseline)),
        algorithm=baseline.algorithm if len(known) > 1 else None,
        tags=len(known),
        classes=tuple(sorted({*gold, *given})),
        table=predicted,
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


def _predicted(known: pl.DataFrame, new: pl.DataFrame, baseline: Baseline) -> pl.DataFrame:
    """Return gold tags and intents of `new`, and those that models predict which are trained on `known`.

    Spans are written in BIO, as in the report of a model. Intents are null where `known` has none.
    """
    tokens, tags, intents = (known[name].to_list() for name in ("tokens", "tags", "intent"))
    sentences, gold = new["tokens"].to_list(), new["tags"].to_list()
    predicted = predict_tags(tokens, tags, sentences, baseline)
    if schemes.is_spans(chain.from_iterable(tags)):
        gold, predicted = ([schemes.convert(one, "bio") for one in side] for side in (gold, predicted))
    without = all(intent is None for intent in intents)
    none = [None] * len(sentences)
    return pl.DataFrame(
        {
            "id": new["id"],
            "tokens": new["tokens"].list.len().cast(pl.Int64),
            "gold": pl.Series(gold, dtype=pl.List(pl.String)),
            "predicted": pl.Series(predicted, dtype=pl.List(pl.String)),
            "intent": pl.Series(none, dtype=pl.String) if without else new["intent"],
            "predicted_intent": pl.Series(
                none if without else predict_intents(tokens, intents, sentences), dtype=pl.String
            ),
        }
    )


def _scores(predicted: pl.DataFrame) -> dict[str, float]:
    """Return the scores of such predictions."""
    intents, given = predicted["intent"], predicted["predicted_intent"]
    found = None if given.is_null().all() else Intents(intents.to_list(), given.to_list())
    counts = statistics(predicted["gold"].to_list(), predicted["predicted"].to_list(), found)
    return {name: float(value) for name, value in score(counts.sums, counts.names).items()}


def _options(baseline: Baseline) -> dict[str, Any]:
    """Return the options of CRFsuite's training algorithm."""
    if baseline.algorithm == "ap":
        return {"max_iterations": baseline.iterations, "epsilon": NO_EARLY_STOP}
    return {"max_iterations": baseline.iterations, "c1": 0.0, "c2": L2}


def _words_and_pairs(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    words = [token.lower() for token in tokens]
    return [*((word,) for word in words), *pairwise(words)]
