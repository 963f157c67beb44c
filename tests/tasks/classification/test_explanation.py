import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.tasks.classification import explanation
from carousel.tasks.classification.explanation import explain
from tests.support.classifiers import make

texts = st.lists(st.sampled_from(["the", "cat", "sat", "日本", "wombat"]), max_size=20).map(" ".join)


@given(text=texts)
@settings(max_examples=20, deadline=None)
def test_occlusion_is_what_leaving_a_word_out_costs(text):
    classifier = make()
    found = explain(classifier, text)
    assert found.method == "occlusion"
    assert found.label == classifier.predict([text])[0].label
    tokens = classifier.tokenizer.tokenize(text)
    assert [word.token for word in found.words] == tokens[: classifier.max_length]
    assert found.unread == len(tokens) - len(found.words)
    for number, word in enumerate(found.words):
        assert word.known is (word.token != "wombat")
        without = " ".join([*tokens[:number], "unheard-of", *tokens[number + 1 :]])
        probabilities = [classifier.predict([of])[0].probabilities[found.label] for of in (text, without)]
        expected = torch.tensor(probabilities).log().diff().neg().item()
        assert word.score == pytest.approx(expected, abs=1e-5)


@given(text=texts.filter(bool))
@settings(max_examples=20, deadline=None)
def test_attention_is_shares_of_the_words_that_were_read(text):
    found = explain(make(pooling="attention"), text)
    assert found.method == "attention"
    assert sum(word.score for word in found.words) == pytest.approx(1)
    assert all(word.score >= 0 for word in found.words)


def test_an_unknown_word_is_marked_and_leaving_it_out_changes_nothing():
    _, unknown, _ = explain(make(), "the wombat sat").words
    assert (unknown.token, unknown.known, unknown.score) == ("wombat", False, pytest.approx(0, abs=1e-6))


def test_the_words_of_both_ends_are_those_that_were_read():
    found = explain(make(truncation="head_tail", max_length=4), "the cat sat on the mat .")
    assert [word.token for word in found.words] == ["the", "the", "mat", "."]
    assert found.unread == 3


def test_a_long_text_is_left_out_in_spans(monkeypatch):
    monkeypatch.setattr(explanation, "SPANS", 4)
    found = explain(make(truncation="none"), "the cat sat on the mat . the cat")
    assert (found.span, len(found.words)) == (3, 9)
    scores = [word.score for word in found.words]
    assert all(len(set(scores[first : first + 3])) == 1 for first in (0, 3, 6))
    assert len(set(scores)) == 3


def test_a_text_without_words_has_none_to_explain():
    for pooling in ("max", "attention"):
        assert explain(make(pooling=pooling), "").words == ()
