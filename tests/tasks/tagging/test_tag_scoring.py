import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.comparison import paired
from carousel.comparison.predictions import Predictions
from carousel.tasks.tagging import scores
from carousel.tasks.tagging.scores import METRICS, Intents
from carousel.tasks.tagging.scoring import TagScoring, units

SCORING = TagScoring()
BIO = ("O", "B-X", "I-X", "B-Y", "I-Y")
PLAIN = ("NOUN", "VERB", "ADJ")


def table(gold, predicted, intents=None, guesses=None):
    none = [None] * len(gold)
    return pl.DataFrame(
        {
            "id": [str(i) for i in range(len(gold))],
            "tokens": [len(sentence) for sentence in gold],
            "gold": pl.Series(gold, dtype=pl.List(pl.String)),
            "predicted": pl.Series(predicted, dtype=pl.List(pl.String)),
            "probability": [0.5] * len(gold),
            "intent": pl.Series(intents or none, dtype=pl.String),
            "predicted_intent": pl.Series(guesses or none, dtype=pl.String),
        }
    )


@st.composite
def tables(draw, classes):
    lengths = draw(st.lists(st.integers(1, 7), min_size=1, max_size=6))
    tags = st.sampled_from(classes)
    gold, predicted = ([draw(st.lists(tags, min_size=n, max_size=n)) for n in lengths] for _ in range(2))
    return table(gold, predicted)


any_table = st.sampled_from([BIO, PLAIN]).flatmap(lambda classes: st.tuples(st.just(classes), tables(classes)))


@given(drawn=any_table)
def test_scores_of_the_sum_are_those_of_all_sentences(drawn):
    classes, found = drawn
    expected = scores.statistics(found["gold"].to_list(), found["predicted"].to_list(), unit=units(classes)[0])
    whole = scores.score(expected.sums, expected.names)
    sums = SCORING.statistics(found, classes).total()
    scored = SCORING.score(sums, classes)
    assert scored.keys() == {metric.name for metric in METRICS}
    for name, value in scored.items():
        assert float(value) == pytest.approx(float(whole[name]))


@given(drawn=any_table)
def test_a_sentence_is_correct_if_it_matches(drawn):
    classes, found = drawn
    correct = SCORING.statistics(found, classes).correct
    assert correct.tolist() == [one == other for one, other in found.select("gold", "predicted").iter_rows()]


@given(drawn=any_table)
def test_plain_tags_have_an_f1_that_is_their_accuracy(drawn):
    classes, found = drawn
    scored = SCORING.score(SCORING.statistics(found, classes).total(), classes)
    if classes is PLAIN:
        assert float(scored["f1"]) == pytest.approx(float(scored["accuracy"]))


@given(drawn=any_table, seed=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_a_comparison_mirrors(drawn, seed):
    classes, found = drawn
    other = found.with_columns(predicted=pl.col("gold"))
    a, b = (Predictions("tagging", one, classes, "d") for one in (found, other))
    forth, back = (paired.compare(SCORING, *pair, resamples=50, seed=seed) for pair in ((a, b), (b, a)))
    for metric in METRICS:
        one, mirrored = forth.metrics[metric.name], back.metrics[metric.name]
        assert one.difference == pytest.approx(-mirrored.difference)
        assert one.low == pytest.approx(-mirrored.high)
    assert (forth.only_a, forth.only_b) == (back.only_b, back.only_a)
    assert forth.agreement == back.agreement


def test_slices_are_by_length_by_intent_and_by_type():
    found = table(
        [["B-X", "I-X"], ["O"] * 6], [["B-X", "O"], ["O"] * 6], intents=["ask", "tell"], guesses=["ask", "ask"]
    )
    kept = Predictions("tagging", found, BIO, "d")
    compared = paired.compare(SCORING, kept, kept, resamples=10)
    assert {kind: [part.name for part in parts] for kind, parts in compared.slices.items()} == {
        "length": ["1-5", "6-10"],
        "intent": ["ask", "tell"],
        "type": ["X", "Y"],
    }
    of_type = compared.slices["type"][0]
    assert (of_type.examples, of_type.a, of_type.only_a, of_type.p) == (1, 0, None, None)
    assert compared.slices["length"][0].only_a == 0


def test_disagreements_name_spans_by_their_tokens():
    a = table([["B-X", "I-X", "O"], ["O"]], [["B-X", "I-X", "O"], ["O"]])
    b = a.with_columns(predicted=pl.Series([["O", "O", "B-Y"], ["O"]], dtype=pl.List(pl.String)))
    found = SCORING.disagreements(a, b, (BIO, BIO))
    assert found.select("row", "actual", "a", "b").rows() == [(0, "X 1-2", "X 1-2", "Y 3")]
    assert found["apart"].to_list() == [1.0]
    assert SCORING.agreement(a, b) == pytest.approx(1 / 4)


def test_a_type_that_only_the_other_model_knows_counts_for_both():
    gold, seen = [["B-X"]], [["B-Z"]]
    a, b = (Predictions("tagging", table(gold, one), BIO[:3], "d") for one in (gold, gold))
    other = Predictions("tagging", table(gold, seen), ("O", "B-X", "B-Z", "I-Z"), "d")
    assert paired.compare(SCORING, a, b, resamples=10).metrics["f1"].b == 1
    assert paired.compare(SCORING, a, other, resamples=10).metrics["f1"].b == 0


def test_a_missing_intent_is_not_scored():
    found = scores.statistics([["O"], ["O"]], [["O"], ["O"]], Intents([None, "ask"], ["ask", "tell"]))
    assert np.array_equal(found.values[:, found.names.index("intents")], [0, 1])
    assert float(scores.score(found.sums, found.names)["exact_match"]) == 0.5
