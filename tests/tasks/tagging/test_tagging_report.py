from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.tasks.tagging.report import BUCKETS, TaggingReport
from carousel.tasks.tagging.schemes import all_tags
from carousel.tasks.tagging.scores import Intents

BIO = all_tags(("LOC", "PER"), "bio")
PLAIN = ("ADJ", "NOUN", "VERB")

# Three sentences: a right span, a wrong type and a spurious span; wrong boundaries; all right
THREE = TaggingReport(
    names=("a", "b", "c"),
    tokens=(("Ann", "saw", "Rome", "Bob"), ("New", "York"), ("yes",)),
    gold=(("B-PER", "O", "B-LOC", "O"), ("B-LOC", "I-LOC"), ("O",)),
    predicted=(("B-PER", "O", "B-PER", "B-PER"), ("O", "B-LOC"), ("O",)),
    known=((True, True, False, True), (True, False), (True,)),
    probabilities=((0.9, 1.0, 0.5, 0.6), (0.4, 0.3), (0.95,)),
    intents=Intents(("x", "y", "y"), ("x", "x", "x")),
)
TAGS = TaggingReport(
    names=("a", "b"),
    tokens=(("old", "dogs"), ("bark",)),
    gold=(("ADJ", "NOUN"), ("VERB",)),
    predicted=(("ADJ", "ADJ"), ("VERB",)),
    known=((True, False), (True,)),
)


@st.composite
def reports(draw):
    tags = st.sampled_from(draw(st.sampled_from([BIO, PLAIN])))
    token = st.tuples(tags, tags, st.booleans(), st.floats(0, 1))
    sentences = draw(st.lists(st.lists(token, min_size=1, max_size=70), min_size=1, max_size=6))
    gold, predicted, known, probabilities = (
        [[values[i] for values in sentence] for sentence in sentences] for i in range(4)
    )
    tokens = [[str(i) for i, _ in enumerate(sentence)] for sentence in sentences]
    names = [str(i) for i, _ in enumerate(sentences)]
    return TaggingReport(names, tokens, gold, predicted, known, probabilities)


# By hand


def test_metrics_by_hand():
    assert THREE.metrics() == {
        "accuracy": pytest.approx(3 / 7),
        "f1": pytest.approx(2 * 1 / (3 + 4)),
        "exact_match": 0,  # the intent of the third sentence is wrong
        "intent_accuracy": pytest.approx(1 / 3),
        # ranges of one token each, but for that of 0.95 and 1.0
        "calibration_error": pytest.approx((0.1 + 0.5 + 0.6 + 0.4 + 0.3 + 2 * 0.025) / 7),
    }


def test_scores_by_type_by_hand():
    assert THREE.by_type().to_dicts() == [
        {"type": "LOC", "precision": 0, "recall": 0, "f1": 0, "support": 2},
        {"type": "PER", "precision": pytest.approx(1 / 3), "recall": 1, "f1": 0.5, "support": 1},
    ]


def test_confusion_of_spans_by_hand():
    assert THREE.confusion().rows() == [
        ("LOC", "PER", 1), ("LOC", None, 1), ("PER", "PER", 1), (None, "LOC", 1), (None, "PER", 1),
    ]  # fmt: skip


def test_confusion_of_tags_by_hand():
    assert TAGS.confusion().rows() == [("ADJ", "ADJ", 1), ("NOUN", "ADJ", 1), ("VERB", "VERB", 1)]
    assert TAGS.confusion().columns == ["actual", "predicted", "tags"]


def test_known_and_unknown_words_by_hand():
    assert THREE.by_known().to_dicts() == [
        {
            "words": "known",
            "tokens": 5,
            "accuracy": pytest.approx(3 / 5),
            "precision": 0.5,
            "recall": 1,
            "f1": pytest.approx(2 / 3),
            "spans": 1,
        },
        {"words": "unknown", "tokens": 2, "accuracy": 0, "precision": 0, "recall": 0, "f1": 0, "spans": 2},
    ]
    assert TAGS.by_known().to_dicts() == [
        {"words": "known", "tokens": 2, "accuracy": 1},
        {"words": "unknown", "tokens": 1, "accuracy": 0},
    ]


def test_the_worst_sentences_by_hand():
    worst = THREE.worst()
    assert worst.select("name", "wrong", "probability").rows() == [("b", 2, 0.3), ("a", 2, 0.5), ("c", 0, 0.95)]
    assert worst["gold"][0].to_list() == ["B-LOC", "I-LOC"]
    assert worst["predicted"][0].to_list() == ["O", "B-LOC"]
    assert worst["tokens"][0].to_list() == ["New", "York"]
    assert THREE.worst(1)["name"].to_list() == ["b"]
    assert replace(THREE, intents=None).worst()["name"].to_list() == ["b", "a"]
    assert TAGS.worst()["name"].to_list() == ["a"]


def test_tables_without_their_input_are_refused():
    with pytest.raises(ValueError, match="which words are known"):
        replace(THREE, known=None).by_known()
    with pytest.raises(ValueError, match="no probabilities"):
        TAGS.calibration()
    assert "calibration_error" not in TAGS.metrics()


def test_sentences_without_any_span_have_empty_tables():
    empty = TaggingReport(("a",), (("yes",),), (("O",),), (("O",),))
    assert empty.by_type().height == empty.confusion().height == empty.worst().height == 0
    assert empty.by_length()["sentences"].to_list() == [1]


# Properties


@given(report=reports())
@settings(max_examples=50, deadline=None)
def test_parts_sum_to_the_whole(report):
    metrics, sentences = report.metrics(), len(report.names)
    tokens = sum(map(len, report.tokens))
    by_length = report.by_length()
    assert by_length["sentences"].sum() == sentences
    assert (by_length["exact_match"] * by_length["sentences"]).sum() == pytest.approx(
        metrics["exact_match"] * sentences
    )
    assert [name for name in BUCKETS if name in by_length["tokens"].to_list()] == by_length["tokens"].to_list()
    by_known = report.by_known()
    assert by_known["tokens"].sum() == tokens
    correct = (by_known["accuracy"] * by_known["tokens"]).sum()
    assert correct == pytest.approx(metrics["accuracy"] * tokens)
    assert report.sentences()["wrong"].sum() == pytest.approx(tokens - correct)
    calibration = report.calibration()
    assert calibration["count"].sum() == tokens
    assert (calibration["accuracy"] * calibration["count"]).sum() == pytest.approx(correct)
    assert 0 <= metrics["calibration_error"] <= 1


@given(report=reports())
@settings(max_examples=50, deadline=None)
def test_the_confusion_table_has_the_counts_of_each_type(report):
    confusion, by_type = report.confusion(), report.by_type()
    for type_, precision, recall, _, support in by_type.iter_rows():
        right = confusion.filter(actual=type_, predicted=type_)[report.unit].sum()
        assert confusion.filter(actual=type_)[report.unit].sum() == support
        assert right == pytest.approx(recall * support)
        assert right == pytest.approx(precision * confusion.filter(predicted=type_)[report.unit].sum())
    assert (
        confusion["actual"].is_null().sum() + confusion["predicted"].is_null().sum()
        == confusion.filter(pl.any_horizontal(pl.all().is_null())).height
    )


@given(report=reports())
@settings(max_examples=50, deadline=None)
def test_the_worst_sentences_are_those_with_errors_in_order(report):
    worst = report.worst(1000)
    assert worst["wrong"].to_list() == sorted(worst["wrong"], reverse=True)
    assert worst.height == len(report.names) - report.sentences().filter(wrong=0).height


@given(report=reports())
@settings(max_examples=20, deadline=None)
def test_perfect_predictions_have_perfect_tables(report):
    perfect = replace(report, predicted=report.gold)
    assert perfect.worst().height == 0
    assert (perfect.by_type()["f1"] == 1).all()
    assert (perfect.confusion()["actual"] == perfect.confusion()["predicted"]).all()
    assert (perfect.by_length()["accuracy"] == 1).all()
