import numpy as np
import pytest
import torch

from carousel.nn.classifier import ClassifierConfig, TextClassifier
from carousel.nn.ngram_counts import NgramCounts
from carousel.nn.ngrams import Ngrams
from carousel.text.vocabulary import UNKNOWN_ID

WORDS = 20


@pytest.fixture
def threads():
    """Return torch.set_num_threads, whose effect ends with the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def distinct(document, size):
    """The n-grams of a document, by the book."""
    found = {tuple(document[i : i + size]) for i in range(len(document) - size + 1)}
    return {gram for gram in found if UNKNOWN_ID not in gram}


def ngram_counts(documents, targets, *, words, longest, classes=3, least=1):
    """Count lists of ids."""
    return NgramCounts.of(
        np.array([word for document in documents for word in document], dtype=np.int64),
        np.cumsum([0, *map(len, documents)]),
        np.array(targets, dtype=np.int64),
        classes=classes,
        vocabulary_size=words,
        longest=longest,
        least=least,
    )


def speaking_ngrams(longest, words, classes=3):
    """Return n-grams that each say something else: as if random documents had been counted and learned from."""
    random = np.random.default_rng(0)
    documents, targets = random.integers(0, words, (200, 12)).tolist(), random.integers(0, classes, 200)
    counts = ngram_counts(documents, targets, words=words, longest=longest, classes=classes)
    ngrams = Ngrams(longest, counts.rows, classes, words)
    ngrams.begin(counts)
    torch.nn.init.normal_(ngrams.embedding.weight)
    return ngrams


def classifier(*, words=WORDS, classes=3, seed=0, **settings):
    """Return a small one with random weights, whose n-grams say something if it has any."""
    torch.manual_seed(seed)
    if longest := settings.get("ngrams"):
        ngrams = speaking_ngrams(longest, words, classes)
        settings["ngram_rows"] = ngrams.none
    model = TextClassifier(ClassifierConfig(words, classes, embedding_size=8, hidden_size=8, **settings))
    if model.ngrams is not None:
        model.ngrams.load_state_dict(ngrams.state_dict())
    if model.linear is not None:
        weights = np.random.default_rng(0).normal(size=(ngrams.none + 1, classes))
        weights[ngrams.none] = 0
        model.linear.begin(weights, weights[0])
    return model.eval()
