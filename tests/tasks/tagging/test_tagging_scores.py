import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator
from seqeval.metrics import accuracy_score, f1_score
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support
from sklearn import metrics as sklearn_metrics

from carousel.tasks.tagging.schemes import all_tags
from carousel.tasks.tagging.scores import Intents, by_type, score, statistics, unit_of

TYPES = ("LOC", "ORG", "PER")
BIO = all_tags(TYPES, "bio")
PLAIN = ("ADJ", "NOUN", "VERB", "X/Y")
INTENTS = ("book", "play", None)


@st.composite
def corpora(draw, tags=BIO):
    """Gold and predicted tags of some sentences; most are no valid BIO."""
    pairs = st.tuples(st.sampled_from(tags), st.sampled_from(tags))
    sentences = draw(st.lists(st.lists(pairs, min_size=1, max_size=8), min_size=1, max_size=6))
    return [[one for one, _ in pairs] for pairs in sentences], [
        [other for _, other in pairs] for pairs in sentences
    ]


@st.composite
def intents_of(draw, gold):
    some = st.lists(st.sampled_from(INTENTS), min_size=len(gold), max_size=len(gold))
    return Intents(draw(some), draw(some))


def scored(gold, predicted, intents=None):
    found = statistics(gold, predicted, intents)
    return {name: float(value) for name, value in score(found.sums, found.names).items()}


# Oracles


@given(corpus=corpora())
@settings(deadline=None)
def test_scores_of_spans_are_those_of_seqeval(corpus):
    found = statistics(*corpus)
    scores = score(found.sums, found.names)
    assert scores["accuracy"] == pytest.approx(accuracy_score(*corpus))
    assert scores["f1"] == pytest.approx(f1_score(*corpus, zero_division=0))
    of_types = by_type(found.sums, found.names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its division by zero
        expected = precision_recall_fscore_support(*corpus, average=None, zero_division=0)
    for values, others in zip(of_types[1:], expected, strict=True):
        np.testing.assert_allclose(values, others)


@given(corpus=corpora())
@settings(deadline=None)
def test_counts_of_spans_are_those_of_nervaluate(corpus):
    """In its strict mode, which reads invalid BIO by the same rule."""
    found = statistics(*corpus, types=TYPES)
    results = Evaluator(*corpus, tags=list(TYPES), loader="list").evaluate()
    sums = dict(zip(found.names, found.sums.tolist(), strict=True))
    expected = results["overall"]["strict"]
    assert sum(sums[f"spans/true_positives/{type_}"] for type_ in TYPES) == expected.correct
    assert sum(sums[f"spans/predicted/{type_}"] for type_ in TYPES) == expected.actual
    assert sum(sums[f"spans/gold/{type_}"] for type_ in TYPES) == expected.possible
    assert score(found.sums, found.names)["f1"] == pytest.approx(expected.f1)


@given(corpus=corpora(PLAIN))
@settings(deadline=None)
def test_scores_of_tags_are_those_of_scikit_learn(corpus):
    flat = [[tag for sentence in side for tag in sentence] for side in corpus]
    found = statistics(*corpus)
    scores = score(found.sums, found.names)
    assert set(scores) == {"f1", "accuracy", "macro_f1", "exact_match"}
    assert scores["f1"] == pytest.approx(scores["accuracy"])  # a span of each token
    assert scores["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(*flat))
    assert scores["macro_f1"] == pytest.approx(sklearn_metrics.f1_score(*flat, average="macro", zero_division=0))
    of_types = by_type(found.sums, found.names)
    expected = sklearn_metrics.precision_recall_fscore_support(*flat, zero_division=0)
    for values, others in zip(of_types[1:], expected, strict=True):
        np.testing.assert_allclose(values, others)


# Identities


@given(data=st.data(), tags=st.sampled_from([BIO, PLAIN]))
@settings(deadline=None)
def test_scores_of_a_union_are_those_of_summed_counts(data, tags):
    (gold, predicted), (more_gold, more_predicted) = data.draw(corpora(tags)), data.draw(corpora(tags))
    intents, more_intents = data.draw(intents_of(gold)), data.draw(intents_of(more_gold))
    every = Intents(*([*some, *others] for some, others in zip(intents, more_intents, strict=True)))
    union = statistics([*gold, *more_gold], [*predicted, *more_predicted], every)
    types = by_type(union.sums, union.names).types
    unit = unit_of(gold, predicted)
    parts = [
        statistics(*part, unit=unit, types=types)
        for part in ((gold, predicted, intents), (more_gold, more_predicted, more_intents))
    ]
    assert parts[0].names == parts[1].names == union.names
    np.testing.assert_array_equal(np.concatenate([part.values for part in parts]), union.values)
    np.testing.assert_array_equal(parts[0].sums + parts[1].sums, union.sums)


@given(data=st.data(), tags=st.sampled_from([BIO, PLAIN]))
@settings(deadline=None)
def test_perfect_predictions_score_one(data, tags):
    gold, _ = data.draw(corpora(tags))
    intents = [intent or "play" for intent in data.draw(intents_of(gold)).gold]
    gold.append([tags[1]])  # a span
    found = scored(gold, gold, Intents([*intents, "book"], [*intents, "book"]))
    assert set(found.values()) == {1.0}


@given(data=st.data(), tags=st.sampled_from([BIO, PLAIN]))
@settings(deadline=None)
def test_scores_have_the_leading_dimensions_of_the_sums(data, tags):
    gold, predicted = data.draw(corpora(tags))
    found = statistics(gold, predicted, data.draw(intents_of(gold)))
    weights = np.random.default_rng(0).multinomial(len(gold), [1 / len(gold)] * len(gold), size=(2, 3))
    together = score(weights @ found.values, found.names)
    types = by_type(weights @ found.values, found.names)
    assert types.f1.shape == (2, 3, len(types.types))
    for index in np.ndindex(2, 3):
        rows = np.repeat(np.arange(len(gold)), weights[index])
        alone = score(found.values[rows].sum(0), found.names)
        for name, values in together.items():
            assert values.shape == (2, 3)
            assert values[index] == pytest.approx(alone[name])
        np.testing.assert_allclose(types.f1[index], by_type(found.values[rows].sum(0), found.names).f1)


@given(corpus=corpora())
@settings(deadline=None)
def test_all_scores_are_fractions(corpus):
    assert all(0 <= value <= 1 for value in scored(*corpus).values())


# By hand


def test_scores_of_spans_and_intents_by_hand():
    gold = [["B-PER", "I-PER", "O"], ["O", "B-LOC"], ["O"]]
    predicted = [["B-PER", "I-PER", "O"], ["B-LOC", "I-LOC"], ["O"]]
    found = scored(gold, predicted, Intents(["a", "a", None], ["a", "b", "a"]))
    assert found == {
        "accuracy": 4 / 6,
        "f1": 0.5,
        "exact_match": 2 / 3,  # a sentence without an intent needs none
        "intent_accuracy": 0.5,
    }


def test_a_sentence_with_a_wrong_intent_is_no_exact_match():
    assert scored([["O"]], [["O"]], Intents(["a"], ["b"]))["exact_match"] == 0


def test_nothing_scores_zero():
    assert set(scored([], []).values()) == {0}
    assert scored([["O"]], [["O"]])["f1"] == 0  # as in conlleval and seqeval


def test_differing_lengths_are_refused():
    with pytest.raises(ValueError, match="differ in their number"):
        statistics([["O"]], [["O", "O"]])
    with pytest.raises(ValueError, match="differ in their number"):
        statistics([["O"]], [])


def test_types_without_a_column_are_refused():
    with pytest.raises(ValueError, match="types without a column: LOC"):
        statistics([["B-LOC"]], [["O"]], types=["PER"])
