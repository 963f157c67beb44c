"""A classifier that reads on from a state predicts after the last part what it predicts for the whole text."""

import dataclasses
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from carousel.errors import UserError
from carousel.export.exporting import export
from carousel.nn.cells import CELLS
from carousel.nn.pooling import POOLINGS
from carousel.runtime import of
from carousel.runtime.model_file import ModelFile
from carousel.runtime.state import StateError
from carousel.tasks.classification.predictor import Classifier
from carousel.tasks.classification.stream import Stream
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.nn.conftest import WORDS, classifier

VOCABULARY = Vocabulary((*SPECIALS, *(f"w{i}" for i in range(WORDS - len(SPECIALS)))))
PARTS = ["w0 w3", "", "w4 unknown w5 w3", "w1", "w3 w3 w4 w5 w2 w9"]


def bundled(*, max_length=100, truncation="head", **shape):
    shape = {"bidirectional": False, **shape}
    return Classifier(classifier(**shape), TOKENIZERS["split"], VOCABULARY, ("a", "b", "c"), max_length, truncation)


def stepping(made, **options):
    return export(made.to_bundle(), made, Path("m.onnx"), **{"int8": False, "step": True, **options}).predictor


def probabilities(prediction):
    return list(prediction.probabilities.values())


def fed(step, parts):
    """Feed parts, each through a stream that was loaded from the bytes of the one before."""
    stream = Stream(step)
    for part in parts:
        prediction = stream.feed(part)
        stream = Stream.load(step, stream.save())
    return prediction


SHAPES = [
    *({"cell": cell, "layers": 1 + number % 2} for number, cell in enumerate(CELLS)),
    *({"pooling": pooling} for pooling in POOLINGS),
    *({"ngrams": 2, "characters": c, "ngram_weight": w} for c, w in product([0, 4], [0.0, 0.5])),
    {"reading": "stateful", "chunk": 3},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_parts_give_what_the_whole_text_gives(shape):
    made = bundled(**shape)
    step = stepping(made)
    for count in range(1, len(PARTS) + 1):
        (expected,) = made.predict([" ".join(PARTS[:count])])
        np.testing.assert_allclose(
            probabilities(fed(step, PARTS[:count])), probabilities(expected), rtol=0, atol=1e-5
        )
    (whole,) = step.predict([" ".join(PARTS)])
    np.testing.assert_allclose(probabilities(whole), probabilities(expected), rtol=0, atol=1e-5)


def test_texts_of_a_batch_are_read_on_as_each_alone():
    step = stepping(bundled(layers=2, ngrams=2))
    states = [state for _, state in step.feed([step.initial] * 3, ["w1 w2 w3 w4", "", "w5"])]
    together = step.feed(states, ["w2", "w7 w1", ""])
    for state, part, (prediction, after) in zip(states, ["w2", "w7 w1", ""], together, strict=True):
        ((alone, alone_after),) = step.feed([state], [part])
        np.testing.assert_allclose(probabilities(prediction), probabilities(alone), rtol=0, atol=1e-6)
        assert after.ids.tolist() == alone_after.ids.tolist()


@pytest.mark.parametrize("truncation", ["head", "none"])
def test_tokens_beyond_the_models_length_are_read_as_in_the_whole_text(truncation):
    made = bundled(max_length=4, truncation=truncation)
    (expected,) = made.predict([" ".join(PARTS)])
    np.testing.assert_allclose(
        probabilities(fed(stepping(made), PARTS)), probabilities(expected), rtol=0, atol=1e-5
    )


def test_a_text_without_tokens_is_predicted_as_such_and_changes_nothing():
    made = bundled()
    stream = Stream(stepping(made))
    before = stream.save()
    np.testing.assert_allclose(
        probabilities(stream.feed("  ")), probabilities(made.predict([""])[0]), rtol=0, atol=1e-5
    )
    assert stream.save() == before


def test_tokens_may_be_given_instead_of_a_text():
    step = stepping(bundled())
    assert Stream(step).feed(["w1", "w2"]) == Stream(step).feed("w1 w2")


def test_an_eight_bit_step_is_close():
    torch.manual_seed(0)
    made = bundled()
    found, expected = (fed(step, PARTS) for step in (stepping(made, int8=True), stepping(made)))
    np.testing.assert_allclose(probabilities(found), probabilities(expected), rtol=0, atol=0.02)


def test_a_state_of_another_model_or_a_damaged_one_is_refused():
    one, other = stepping(bundled()), stepping(bundled(seed=1))
    stream = Stream(one)
    stream.feed("w1")
    saved = stream.save()
    with pytest.raises(StateError, match="another model"):
        Stream.load(other, saved)
    for damaged in (b"", saved[:-1], saved + b"\0"):
        with pytest.raises(StateError, match="cut short"):
            Stream.load(one, damaged)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({"bidirectional": True}, "both directions"),
        ({"encoder": "convolutional"}, "only a recurrent one"),
        ({"reading": "chunked", "chunk": 4, "overlap": 1}, "in chunks"),
        ({"truncation": "head_tail"}, "beginning and end"),
    ],
)
def test_a_model_without_a_state_is_refused(shape, reason):
    with pytest.raises(UserError, match=reason):
        stepping(bundled(**shape))


def test_a_file_says_whether_it_is_a_step():
    made = bundled()
    content = export(made.to_bundle(), made, Path("m.onnx"), int8=False, step=True).content
    file = ModelFile.read(content, Path("m.onnx"))
    assert file.description.step
    assert dataclasses.asdict(of(file).description) == dataclasses.asdict(file.description)
