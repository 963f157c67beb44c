import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.bundle.bundle import BundleError
from carousel.nn.tagger import Tagger, TaggerConfig
from carousel.tasks.tagging.predictor import SequenceTagger, from_bundle
from carousel.tasks.tagging.schemes import first_violation
from carousel.tasks.tagging.tags import Tags
from carousel.text.subwords import build
from carousel.text.vocabulary import SPECIALS, Vocabulary

WORDS = ("the", "dog", "in", "New", "York", "café")
SPANS = Tags(("O", "B-X", "I-X", "E-X", "S-X"), "iobes", ("ask", "tell"))
PLAIN = Tags(("NOUN", "O", "VERB"))


def tagger(tags=SPANS, seed=0):
    torch.manual_seed(seed)
    vocabulary = Vocabulary((*SPECIALS, *WORDS))
    config = TaggerConfig(
        len(vocabulary), len(tags.tags), len(tags.intents), embedding_size=8, hidden_size=8, feature_size=8,
        feature_rows=64,
    )  # fmt: skip
    return SequenceTagger(Tagger(config), build("words", ("nfc",), [], 0), vocabulary, tags)


sentences = st.lists(st.sampled_from([*WORDS, "?", "Zürich", "日本", "😀"]), max_size=9)


@given(tokens=st.lists(sentences, min_size=1, max_size=4), seed=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_every_token_gets_a_valid_tag_alone_and_in_a_batch(tokens, seed):
    model = tagger(seed=seed)
    together = model.predict(tokens)
    for given_tokens, prediction in zip(tokens, together, strict=True):
        assert prediction.tokens == given_tokens
        assert len(prediction.tags) == len(prediction.probabilities) == len(given_tokens)
        assert first_violation(prediction.tags) is None
        assert all(0 <= probability <= 1 + 1e-6 for probability in prediction.probabilities)
        alone = model.predict([given_tokens])[0]
        assert alone.tags == prediction.tags
        assert alone.probabilities == pytest.approx(prediction.probabilities, abs=1e-5)


@given(tokens=sentences, spaces=st.sampled_from([" ", "  ", "\n", "\u3000"]), seed=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_a_span_of_a_text_is_where_it_says(tokens, spaces, seed):
    text = spaces.join(tokens)
    for model in (tagger(seed=seed), tagger(PLAIN, seed)):
        prediction = model.predict([text])[0]
        for span in prediction.spans:
            assert text[span.start : span.end] == span.text
            assert span.text.strip() == span.text != ""
        assert [span.start for span in prediction.spans] == sorted(span.start for span in prediction.spans)


def test_places_of_given_tokens_are_numbers_of_tokens():
    prediction = tagger(PLAIN).predict([["in", "New", "York"]])[0]
    tagged = [i for i, tag in enumerate(prediction.tags) if tag != "O"]
    assert [(span.start, span.end) for span in prediction.spans] == [(i, i + 1) for i in tagged]


def test_an_intent_is_predicted_also_without_tokens():
    for prediction in tagger().predict(["", "the dog", []]):
        assert prediction.intent in ("ask", "tell")
        assert 0.5 <= prediction.intent_probability <= 1
    assert tagger(PLAIN).predict(["the dog"])[0].intent == ""


def test_a_cell_for_each_column():
    with_intents, without = tagger(), tagger(PLAIN)
    assert with_intents.columns == ("spans", "intent")
    assert without.columns == ("spans",)
    for model in (with_intents, without):
        assert len(model.predict(["the dog"])[0].cells()) == len(model.columns)


@pytest.mark.parametrize(
    ("given_input", "reason"),
    [
        ("a text", None),
        (["two", "tokens"], None),
        (3, "is neither a text nor a list of tokens but int"),
        (["a", 3], "is neither a text nor a list of tokens but list"),
        ("\ud800", "half of a surrogate pair, which is no character"),
        (["\ud800"], "half of a surrogate pair, which is no character"),
    ],
)
def test_what_cannot_be_tagged_is_named(given_input, reason):
    assert tagger().check(given_input) == reason


def test_a_bundle_comes_back_with_the_same_predictions():
    for model in (tagger(), tagger(PLAIN)):
        bundle = model.to_bundle()
        again = from_bundle(bundle)
        assert again.to_bundle().fingerprint == bundle.fingerprint
        assert again.predict(["the dog in New York"]) == model.predict(["the dog in New York"])


def test_parts_that_do_not_fit_the_model_are_refused():
    model = tagger()
    for field, value, message in (
        ("tags", PLAIN, r"tags.json has 3 tags, but the model has 5"),
        ("tags", dataclasses.replace(SPANS, intents=("ask",)), r"tags.json has 1 intents, but the model has 2"),
        ("vocabulary", Vocabulary(SPECIALS), r"vocab.txt has 2 tokens, but the model has 8"),
    ):
        with pytest.raises(BundleError, match=message):
            dataclasses.replace(model, **{field: value})
    bundle = model.to_bundle()
    for config in ({}, {"model": {"layers": 1}}, {"model": {**bundle.config["model"], "cell": "none"}}):
        with pytest.raises(BundleError, match=r"bundle.json"):
            from_bundle(dataclasses.replace(bundle, config=config))


@given(tokens=sentences, seed=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_a_prediction_counts_span_types_and_intent(tokens, seed):
    for model in (tagger(seed=seed), tagger(PLAIN, seed)):
        prediction = model.predict([tokens])[0]
        types = tuple(span.tag for span in prediction.spans) or ("(none)",)
        assert prediction.classes == (*types, *([f"intent {prediction.intent}"] if prediction.intent else []))
        assert all(prediction.confidence <= probability for probability in prediction.probabilities)
        assert model.count_tokens(tokens) == (len(tokens), sum(token not in WORDS for token in tokens))
