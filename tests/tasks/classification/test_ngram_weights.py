from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC
from sklearn.utils.class_weight import compute_sample_weight

from carousel.nn.batch import pad
from carousel.tasks.classification.model import build
from carousel.tasks.classification.ngram_weights import SCALES, STRENGTH, counted, linear, spelled
from carousel.tasks.classification.params import Hparams, Model, Train
from carousel.text.vocabulary import SPECIALS, UNKNOWN_ID, Vocabulary
from tests.support.datasets import dataset, documents_of
from tests.training.order_problem import TRAIN, VAL, VOCABULARY

WORDS = ["good", "goods", "film", "films", "bad", "badly", "x", "今天", "yz"]
VOCABULARY_OF_WORDS = Vocabulary((*SPECIALS, *WORDS))


def encoded(documents, targets):
    return dataset([VOCABULARY_OF_WORDS.encode(document.split(), 100) for document in documents], targets)


def corpus(count, seed=0, classes=3):
    """Return documents in which some words are more frequent with each label, and their labels."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, classes, count)
    weights = np.linspace(3, 1, len(WORDS))
    documents = [
        " ".join(random.choice(WORDS, 6, p=np.roll(weights, 3 * label) / weights.sum())) for label in targets
    ]
    return documents, targets.tolist()


def model_of(train, classes=3, *, characters=0, ngrams=2, class_weights="none"):
    """Return a model with its linear classifier fitted."""
    small = Model(ngrams=ngrams, ngram_weight=0.5, characters=characters, embedding_size=4, hidden_size=4)
    found = spelled(train, VOCABULARY_OF_WORDS, classes, characters) if characters else None
    model = build(
        Hparams(model=small, train=Train()),
        vocabulary_size=len(VOCABULARY_OF_WORDS),
        classes=classes,
        counts=counted(train, VOCABULARY_OF_WORDS, classes, ngrams, 1),
        spelled=found,
    )
    linear(train, VOCABULARY_OF_WORDS, classes, ngrams, 1, characters, class_weights).put_into(model.linear)
    return model.eval()


def logits_of(model, train):
    ids, _ = pad(documents_of(train))
    with torch.inference_mode():
        return model.linear(ids, model.ngrams.find(ids)).numpy()


def terms(document):
    """The words and pairs of a document; scikit-learn then has nothing to cut."""
    words = document.split()
    return [*words, *map(" ".join, pairwise(words))]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("balanced", [False, True])
def test_logits_are_scaled_margins_of_scikit_learn_on_its_own_tfidf(balanced, classes):
    documents, targets = corpus(80, classes=classes)
    train = encoded(documents, targets)
    found = logits_of(model_of(train, classes, class_weights="balanced" if balanced else "none"), train)
    features = TfidfVectorizer(analyzer=terms, sublinear_tf=True).fit_transform(documents)
    weights = compute_sample_weight("balanced" if balanced else None, targets)
    reference = LinearSVC(C=STRENGTH, random_state=0).fit(features, targets, weights)
    margins = reference.decision_function(features)
    if classes == 2:
        margins = np.stack([-margins, margins], 1)
    scale = np.abs(found).sum() / np.abs(margins).sum()
    assert SCALES[0] < scale < SCALES[1]
    np.testing.assert_allclose(found / scale, margins, atol=0.01)


def test_logits_of_documents_that_tell_little_are_small():
    random = np.random.default_rng(0)
    documents = [" ".join(random.choice(WORDS, 6)) for _ in range(90)]
    train = encoded(documents, random.integers(0, 3, 90).tolist())
    assert np.abs(logits_of(model_of(train), train)).mean() < 0.5
    certain = encoded(["good film x", "bad film x", "yz film x"] * 30, [0, 1, 2] * 30)
    assert np.abs(logits_of(model_of(certain), certain)).mean() > 2


def within_words(document, longest=4):
    """The n-grams of characters of a document, its words marked, none across two words."""
    text = "".join(f"▁{word}" for word in document.split())
    grams = {text[i : i + n] for n in range(1, longest + 1) for i in range(len(text) - n + 1)}
    return {gram for gram in grams if "▁" not in gram[1:-1]}


@given(
    documents=st.lists(
        st.lists(st.sampled_from([*WORDS, "?"]), min_size=1, max_size=6).map(" ".join), min_size=2, max_size=9
    )
)
@settings(max_examples=50, deadline=None)
def test_ngrams_of_characters_are_those_that_two_documents_have_within_words(documents):
    train = encoded(documents, [0] * len(documents))
    counts = spelled(train, VOCABULARY_OF_WORDS, 2, 4).counts
    # an unknown word is one character that belongs to no n-gram
    having = [set().union(*(within_words(part) for part in document.split("?"))) for document in documents]
    expected = {gram for gram in set().union(*having) if sum(gram in each for each in having) > 1}
    # a word's last n-grams may end with the mark of the next one, unless that is unknown
    assert counts.rows >= len({gram for gram in expected if not gram.endswith("▁")})
    assert counts.rows <= len(expected)


def test_words_of_like_spelling_help_each_other():
    documents = ["good film", "bad film", "good x", "bad x"] * 6
    train = encoded(documents, [0, 1, 0, 1] * 6)
    test = encoded(["goods", "badly"], [0, 1])
    with_characters = logits_of(model_of(train, 2, characters=4), test)
    without = logits_of(model_of(train, 2), test)
    assert with_characters[0, 0] > with_characters[0, 1]
    assert with_characters[1, 1] > with_characters[1, 0]
    np.testing.assert_allclose(without[0], without[1])  # neither word was in a document


def test_a_label_without_documents_is_possible_and_improbable():
    documents, targets = corpus(30, classes=2)
    train = encoded(documents, targets)
    logits = logits_of(model_of(train), train)
    assert np.isfinite(logits).all()
    assert (logits.argmax(1) < 2).all()


@pytest.mark.parametrize(("documents", "targets"), [(["?", "?", "?"], [0, 0, 1]), (["x", "film", "x"], [1, 1, 1])])
def test_without_known_words_or_a_second_label_the_labels_fractions_are_learned(documents, targets):
    model = model_of(encoded(documents, targets), 2)
    assert not model.linear.words.weights.any()
    assert float(model.linear.bias.argmax()) == np.bincount(targets).argmax()


def test_what_is_no_ngram_weighs_nothing():
    model = model_of(encoded(*corpus(30)), characters=3)
    for part in (model.linear.words, model.linear.characters):
        assert not part.weights[-1].any()
        assert not part.squares[-1]


def test_an_unknown_word_is_no_ngram():
    counts = counted(encoded(["good ? bad", "bad good"], [0, 1]), VOCABULARY_OF_WORDS, 2, 2, 1)
    assert UNKNOWN_ID not in counts.keys
    assert counts.rows == 3  # good, bad, bad good


def test_trainings_of_the_same_documents_count_and_fit_once():
    assert counted(TRAIN, VOCABULARY, 2, 2, 1) is counted(TRAIN, VOCABULARY, 2, 2, 1)
    assert counted(TRAIN, VOCABULARY, 2, 2, 1) is not counted(VAL, VOCABULARY, 2, 2, 1)
    assert linear(TRAIN, VOCABULARY, 2, 2, 1, 0, "none") is linear(TRAIN, VOCABULARY, 2, 2, 1, 0, "none")
    assert linear(TRAIN, VOCABULARY, 2, 2, 1, 0, "none") is not linear(TRAIN, VOCABULARY, 2, 1, 1, 0, "none")
