import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.bundle.bundle import CONFIG, WEIGHTS, Bundle, BundleError
from carousel.corpus.training_data import TOKENIZER, VOCABULARY
from carousel.nn.pooling import POOLINGS
from carousel.nn.recurrent import CELLS
from carousel.predictor import load, predictor
from carousel.task_modules import TASKS
from carousel.tasks.classification.labels import PART as LABELS
from carousel.tasks.classification.prediction import Prediction
from carousel.tasks.classification.predictor import from_bundle
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, UNKNOWN_ID, Vocabulary
from tests.support.classifiers import make, make_bundle

characters = st.characters(exclude_categories=["Cs"])
words = st.lists(
    st.text(characters, min_size=1, max_size=5).filter(lambda word: "\n" not in word and word not in SPECIALS),
    unique=True,
    max_size=12,
)
label_lists = st.lists(st.text(characters, max_size=8), unique=True, min_size=1, max_size=6)
shapes = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(list(CELLS)),
        "layers": st.integers(1, 2),
        "bidirectional": st.booleans(),
        "pooling": st.sampled_from(list(POOLINGS)),
        "ngrams": st.integers(0, 2),
        "dropout": st.floats(0, 0.9),
    }
)
texts = st.lists(st.sampled_from(["the", "cat", "sat", "?!", "日本", "ça", "wombat"]), max_size=20).map(" ".join)


@pytest.fixture
def classifier():
    return make()


def assert_alike(found, expected):
    """The same predictions, to 1e-6."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-6)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


# Storage


@given(words=words, labels=label_lists, shape=shapes, max_length=st.integers(1, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_classifier_survives_save_and_load_bit_for_bit(words, labels, shape, max_length):
    classifier = make(words, labels, max_length=max_length, **shape)
    bundle = classifier.to_bundle()
    with tempfile.TemporaryDirectory() as folder:
        bundle.save(Path(folder) / "bundle")
        again = load(Path(folder) / "bundle")
    state, expected = again.model.state_dict(), classifier.model.state_dict()
    assert list(state) == list(expected)
    for name in expected:
        assert state[name].dtype == expected[name].dtype
        assert state[name].numpy().tobytes() == expected[name].numpy().tobytes()
    assert again.model.config == classifier.model.config
    assert again.vocabulary.tokens == classifier.vocabulary.tokens
    assert (again.tokenizer, again.labels, again.max_length) == (classifier.tokenizer, tuple(labels), max_length)
    assert again.to_bundle().fingerprints == bundle.fingerprints
    assert again.predict(["", *words]) == classifier.predict(["", *words])


def test_a_bundle_from_before_a_setting_existed_reads_as_its_default(classifier, tmp_path):
    bundle = classifier.to_bundle()
    model = {name: value for name, value in bundle.config["model"].items() if name != "ngrams"}
    replace(bundle, config=bundle.config | {"model": model}).save(tmp_path)
    assert load(tmp_path).model.config == classifier.model.config


def test_a_loaded_classifier_has_weights_of_its_own(classifier):
    bundle = classifier.to_bundle()
    made = from_bundle(bundle)
    with torch.no_grad():
        made.model.head.bias += 1
    assert from_bundle(bundle).predict(["the cat"]) == classifier.predict(["the cat"])


def test_each_tokenizer_can_be_bundled(tmp_path):
    for name in TOKENIZERS:
        make_bundle(tokenizer=name).save(tmp_path / name)
        assert load(tmp_path / name).tokenizer == TOKENIZERS[name]


def test_a_classifier_is_always_in_evaluation_mode(classifier):
    bundle = classifier.to_bundle()
    classifier.model.train()
    for found in (replace(classifier), from_bundle(bundle)):
        assert not any(module.training for module in found.model.modules())


# Prediction


@given(batch=st.lists(texts, max_size=8), shape=shapes)
@settings(max_examples=40, deadline=None)
def test_a_text_is_predicted_the_same_alone_and_in_any_company(batch, shape):
    classifier = make(**shape)
    assert_alike(classifier.predict(batch), [classifier.predict([text])[0] for text in batch])


@given(batch=st.lists(texts, min_size=1, max_size=8), batch_tokens=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_logits_do_not_depend_on_how_documents_are_batched(batch, batch_tokens):
    classifier = make()
    encoded = [classifier.encode(text) for text in batch]
    torch.testing.assert_close(
        classifier.logits(encoded, batch_tokens), classifier.logits(encoded), rtol=0, atol=1e-6
    )


@given(batch=st.lists(texts, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_a_prediction_is_the_most_probable_of_probabilities_that_sum_to_one(batch):
    classifier = make()
    for prediction in classifier.predict(batch):
        assert isinstance(prediction, Prediction)
        assert tuple(prediction.probabilities) == classifier.labels
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert (
            prediction.probability
            == max(prediction.probabilities.values())
            == prediction.probabilities[prediction.label]
        )


def test_a_prediction_is_shown_with_the_next_two_labels(classifier):
    prediction = Prediction("b", 0.5, {"a": 0.1, "b": 0.5, "c": 0.15, "d": 0.25})
    assert prediction.summary == "b"
    assert prediction.cells() == ("b", "0.500", "d 0.250, c 0.150")
    assert len(prediction.cells()) == len(classifier.columns)
    assert Prediction("a", 1.0, {"a": 1.0}).cells() == ("a", "1.000", "")


def test_no_texts_have_no_predictions(classifier):
    assert classifier.predict([]) == []
    assert classifier.logits([]).shape == (0, 3)


@pytest.mark.parametrize("text", ["", " \n\t ", ";:", "\ud800", "<pad>", "\x00"])
def test_a_text_of_no_known_token_is_one_unknown_word(classifier, text):
    assert classifier.encode(text) == [UNKNOWN_ID]
    assert classifier.predict([text]) == classifier.predict(["wombat"])


def test_a_very_long_text_is_read_as_far_as_in_training(classifier):
    text = "the cat sat on the mat . " * 20_000
    assert len(classifier.encode(text)) == classifier.max_length
    assert classifier.predict([text]) == classifier.predict(["the cat sat on the mat . the cat sat on the"])


@pytest.mark.parametrize(
    ("truncation", "read"),
    [("head", "the cat sat on the mat . the"), ("head_tail", "the cat mat sat on the cat ."), ("none", None)],
)
def test_a_long_text_is_cut_as_the_bundle_says_also_when_loaded_again(tmp_path, truncation, read):
    text = "the cat sat on the mat . the mat sat on the cat ."
    make_bundle(truncation=truncation, max_length=8).save(tmp_path / "bundle")
    classifier = load(tmp_path / "bundle")
    assert classifier.encode(text) == replace(classifier, max_length=99).encode(read or text)


def test_documents_in_numpy_arrays_are_read_like_lists(classifier):
    lists = [[2, 3, 4], [5]]
    arrays = [np.array(ids, dtype=np.int32) for ids in lists]
    assert torch.equal(classifier.logits(arrays), classifier.logits(lists))


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ("", None),
        ("a\0b\u2028 日本", None),
        ("half \ud83d", "half of a surrogate pair, which is no character"),
        (5, "is not a text but int"),
        (["the"], "is not a text but list"),
        (b"the", "is not a text but bytes"),
    ],
)
def test_what_is_no_text_is_no_input(classifier, given_, reason):
    assert classifier.check(given_) == reason


def test_the_examples_are_inputs(classifier):
    assert [classifier.check(given_) for given_ in classifier.example] == [None] * len(classifier.example)
    assert len(classifier.predict(classifier.example)) == len(classifier.example)


# Parts that do not fit


def refusal(bundle, folder):
    """Save a bundle, whose fingerprints are thus its own, and return why it makes no classifier."""
    bundle.save(folder)
    assert Bundle.load(folder).fingerprint == bundle.fingerprint
    with pytest.raises(BundleError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def changed(bundle, **model):
    """Return a bundle whose configuration has other settings of the model."""
    model = bundle.config["model"] | model
    model["encoder"] = bundle.config["model"]["encoder"] | model.pop("of_encoder", {})
    return replace(bundle, config=bundle.config | {"model": model})


def test_parts_that_do_not_fit_never_become_a_classifier(classifier):
    with pytest.raises(BundleError, match=r"vocab\.txt has 3 tokens, but the model embeds 12"):
        replace(classifier, vocabulary=Vocabulary((*SPECIALS, "the")))
    with pytest.raises(BundleError, match=r"labels\.json names 2 labels, but the model has 3 classes"):
        replace(classifier, labels=("animal", "Möbel"))
    with pytest.raises(BundleError, match=r"labels\.json names 2 labels, but the model has 3 classes"):
        replace(classifier, labels=("animal", "Möbel", "animal"))


@pytest.mark.parametrize(
    ("part", "content", "message"),
    [
        (LABELS, '["animal"]', "labels.json names 1 labels, but the model has 3 classes"),
        (LABELS, '"abc"', "labels.json: damaged or foreign: it is not a list of labels"),
        (LABELS, "[1, 2, 3]", "labels.json: damaged or foreign: it is not a list of labels"),
        (LABELS, "[", "labels.json: damaged or foreign: it "),
        (VOCABULARY, "words\n", "vocab.txt: damaged or foreign: it "),
        (VOCABULARY, Vocabulary((*SPECIALS, "the")).to_text(), "vocab.txt has 3 tokens, but the model embeds 12"),
        (TOKENIZER, "{}", "tokenizer.json: damaged or foreign: it "),
        (TOKENIZER, "[]", "tokenizer.json: damaged or foreign: it "),
        (LABELS, b"\xff", "labels.json: damaged: not UTF-8 at byte 0"),
        (LABELS, None, "bundle.json: names no part labels.json; the bundle is not whole"),
        (TOKENIZER, None, "bundle.json: names no part tokenizer.json; the bundle is not whole"),
        (VOCABULARY, None, "bundle.json: names no part vocab.txt; the bundle is not whole"),
    ],
)
def test_a_part_that_makes_no_classifier_is_named_with_its_folder(classifier, tmp_path, part, content, message):
    bundle = classifier.to_bundle()
    parts = {name: kept for name, kept in bundle.parts.items() if name != part}
    if content is not None:
        parts[part] = content if isinstance(content, bytes) else content.encode()
    assert refusal(replace(bundle, parts=parts), tmp_path).startswith(f"{tmp_path}/{message}")


def test_a_way_to_cut_that_only_a_later_version_knows_is_refused(classifier, tmp_path):
    message = refusal(replace(classifier, truncation="middle").to_bundle(), tmp_path)
    assert message.startswith(f"{tmp_path / CONFIG}: not the description of a text classifier: ")
    assert "truncation is 'middle', where only head, head_tail, none are known" in message


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model": None},
        {"model": {}, "max_length": 12, "truncation": "head"},
        {"model": {"hidden_size": 8, "from_the_future": 1}, "max_length": 12, "truncation": "head"},
    ],
    ids=str,
)
def test_a_configuration_that_describes_no_classifier_is_refused(classifier, tmp_path, config):
    message = refusal(replace(classifier.to_bundle(), config=config), tmp_path)
    assert message.startswith(f"{tmp_path / CONFIG}: not the description of a text classifier: ")


@pytest.mark.parametrize("max_length", ["long", None, [12]])
def test_a_length_that_is_none_is_refused(classifier, tmp_path, max_length):
    bundle = classifier.to_bundle()
    message = refusal(replace(bundle, config=bundle.config | {"max_length": max_length}), tmp_path)
    assert message.startswith(f"{tmp_path / CONFIG}: not the description of a text classifier: ")


@pytest.mark.parametrize("setting", [{"of_encoder": {"cell": "xlstm"}}, {"pooling": "capsules"}])
def test_a_model_that_only_a_later_version_knows_is_refused(classifier, tmp_path, setting):
    message = refusal(changed(classifier.to_bundle(), **setting), tmp_path)
    assert message.startswith(f"{tmp_path / CONFIG}: describes a model that this version cannot build")


def test_weights_of_a_wrong_shape_are_refused_even_with_their_own_fingerprint(classifier, tmp_path):
    classifier.model.head = torch.nn.Linear(16, 3)  # half of what max and mean pooling give
    message = refusal(classifier.to_bundle(), tmp_path)
    assert message.startswith(f"{tmp_path / WEIGHTS}: does not fit the model that {CONFIG} describes: ")
    assert "head.weight" in message


def test_a_bundle_of_a_task_that_this_version_does_not_know_is_refused(classifier, tmp_path):
    bundle = replace(classifier.to_bundle(), task="clairvoyance")
    message = refusal(bundle, tmp_path)
    known = ", ".join(TASKS)
    assert message == f"{tmp_path / CONFIG}: says task 'clairvoyance', this version reads {known}"
    with pytest.raises(BundleError, match=r"^bundle\.json: says task 'clairvoyance'"):
        predictor(bundle)


def test_a_damaged_bundle_is_refused_in_the_words_of_the_format(classifier, tmp_path):
    classifier.to_bundle().save(tmp_path)
    (tmp_path / LABELS).write_text(json.dumps(["a", "b", "c"]))
    with pytest.raises(BundleError, match=r"labels\.json: does not belong to this bundle") as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / LABELS}: ")


# Dependencies


def test_loading_and_predicting_needs_torch_numpy_and_safetensors_alone(classifier, tmp_path):
    classifier.to_bundle().save(tmp_path / "bundle")
    script = f"""
import sys
from pathlib import Path
from carousel.predictor import load
print(load(Path({str(tmp_path / "bundle")!r})).predict(["the cat"])[0].label)
heavy = ["pytorch_lightning", "dvc", "optuna", "torchtext", "mlflow", "polars", "pandas", "pydantic", "sklearn"]
print(*[name for name in [*heavy, "torchmetrics", "matplotlib", "scipy"] if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == [classifier.predict(["the cat"])[0].label, "", ""]
