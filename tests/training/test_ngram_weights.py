from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax

from carousel.corpus.encoded import Encoded
from carousel.nn.ngrams import PRIOR
from carousel.text.vocabulary import SPECIALS, UNKNOWN_ID, Vocabulary
from carousel.training import ngram_weights
from carousel.training.ngram_weights import PENALTY, UNTOLD, counted, learn, linear
from tests.training.order_problem import TRAIN, VAL, VOCABULARY


def encoded(documents, targets, vocabulary):
    ids = [vocabulary.encode(document.split(), 100) for document in documents]
    return Encoded(
        ids=np.concatenate(ids).astype(np.int32),
        offsets=np.cumsum([0, *map(len, ids)]),
        targets=np.array(targets),
        labels=tuple(map(str, range(max(targets) + 1))),
        names=tuple(map(str, range(len(ids)))),
    )


def learned(documents, targets, words, *, longest=2, weights=None):
    """Return the n-grams' counts, their weights and the bias."""
    vocabulary = Vocabulary((*SPECIALS, *words))
    train = encoded(documents, targets, vocabulary)
    counts = counted(train, vocabulary, longest, 1)
    weights = np.ones(len(documents)) if weights is None else np.array(weights)
    return counts, *learn(counts, longest, train, vocabulary.tokens, weights)


def said_of(word, words, counts, weights):
    """Return u of a word."""
    return weights[np.searchsorted(counts.keys, len(SPECIALS) + words.index(word))]


# One of a letter: none has a piece that another has
LETTERS = "bcdfghjk"


def letters(count, seed=0):
    """Return documents of letters, in which a label's own half of them is more frequent, and their labels."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, 3, count)
    documents = [
        " ".join(random.choice(list(LETTERS), 6, p=np.roll([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05], 2 * label)))
        for label in targets
    ]
    return documents, targets.tolist()


@pytest.mark.parametrize("balanced", [False, True])
def test_weights_are_those_of_logistic_regression_on_features_as_telling_as_counting_found_them(
    monkeypatch, balanced
):
    monkeypatch.setattr(ngram_weights, "CLOSE", 1e-12)
    monkeypatch.setattr(ngram_weights, "STEPS", 1000)
    documents, targets = letters(60)
    weights = np.where(np.array(targets) == 1, 2.0, 0.5) if balanced else np.ones(60)
    counts, found, bias = learned(documents, targets, LETTERS, weights=weights)

    tokens = [document.split() for document in documents]
    grams = [[set(words), set(pairwise(words))] for words in tokens]
    # the table's order: words by id, then pairs by their first word's row and their last word
    table = sorted({gram for sizes in grams for size in sizes for gram in size}, key=lambda gram: (len(gram), gram))
    assert len(table) == counts.rows
    features = np.array([[sum((g in s) / len(s) ** 0.5 for s in sizes) for g in table] for sizes in grams])
    labels = np.eye(3)[targets]
    having = (features > 0).T @ labels  # N(g, c)
    share = (labels.sum(0) + 1) / (60 + 3)
    ratios = np.log((having + PRIOR * share) / (having.sum(1, keepdims=True) + PRIOR) / share)
    telling = UNTOLD + np.abs(ratios)
    idf = np.log(61 / (1 + having.sum(1, keepdims=True))) + 1
    # The loss is convex, so its minimum is where its gradient is 0, in θ as in the bias; u = telling · idf · θ
    errors = (labels - softmax(features @ found[:-1] + bias, axis=1)) * weights[:, None]
    np.testing.assert_allclose(found[:-1], (telling * idf) ** 2 * (features.T @ errors) / PENALTY, atol=2e-3)
    np.testing.assert_allclose(errors.sum(0), 0, atol=2e-3)


def test_a_rare_word_is_judged_by_those_that_are_spelled_like_it():
    words = ["painful", "painfully", "pained", "cheerful", "cheerfully", "cheers", "pains", "cheered"]
    documents = ["painful", "painfully", "pained", "cheerful", "cheerfully", "cheers"] * 8 + ["pains cheered"]
    counts, weights, _ = learned(documents, [0, 0, 0, 1, 1, 1] * 8 + [0], words, longest=1)
    sad, glad = (said_of(word, words, counts, weights) for word in ("pains", "cheered"))
    assert sad[0] > sad[1]
    assert glad[1] > glad[0]  # although the one document that has it is a sad one


def test_what_is_no_ngram_weighs_nothing():
    counts, weights, _ = learned(*letters(30), LETTERS)
    assert weights.shape == (counts.rows + 1, 3)
    assert not weights[-1].any()


def test_without_a_known_word_the_labels_shares_are_learned():
    counts, weights, bias = learned(["?", "?", "?"], [0, 0, 1], LETTERS)
    assert counts.rows == 0
    assert weights.shape == (1, 2)
    assert np.exp(bias[0] - bias[1]) == pytest.approx(2, rel=0.01)


def test_an_unknown_word_is_no_ngram():
    counts, _, _ = learned(["b ? c", "c b"], [0, 1], LETTERS)
    assert UNKNOWN_ID not in counts.keys
    assert counts.rows == 3  # b, c, c b


def test_trainings_of_the_same_documents_count_their_ngrams_once():
    assert counted(TRAIN, VOCABULARY, 2, 1) is counted(TRAIN, VOCABULARY, 2, 1)
    assert counted(TRAIN, VOCABULARY, 2, 1) is not counted(VAL, VOCABULARY, 2, 1)
    assert linear(TRAIN, VOCABULARY, 2, 1, "none") is linear(TRAIN, VOCABULARY, 2, 1, "none")
    assert linear(TRAIN, VOCABULARY, 2, 1, "none") is not linear(TRAIN, VOCABULARY, 1, 1, "none")
