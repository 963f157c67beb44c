import ctypes
import os
import subprocess
import sys

import polars as pl
import pytest

from carousel.tasks.tagging.baseline import evaluate, predict_intents, predict_tags
from carousel.tasks.tagging.params import Baseline

SENTENCES = [
    ("play songs by Ann Lee", "O O O B-artist I-artist", "play"),
    ("play Bob Ray", "O B-artist I-artist", "play"),
    ("book a table in Rome", "O O O O B-city", "book"),
    ("book it in New York", "O O O B-city I-city", "book"),
    ("weather in Oslo", "O O B-city", "weather"),
    ("weather now", "O O", "weather"),
]
SCHEMA = {"id": pl.String, "tokens": pl.List(pl.String), "tags": pl.List(pl.String), "intent": pl.String}


def frame(*rows):
    sentences = [(f"{i}", text.split(), tags.split(), intent) for i, (text, tags, intent) in enumerate(rows)]
    return pl.DataFrame(sentences, SCHEMA, orient="row")


def splits(**changes):
    train = frame(*SENTENCES * 3)
    val = frame(("play songs by Bob Lee", "O O O B-artist I-artist", "play"))
    test = frame(("book a table in Oslo", "O O O O B-city", "book"), ("weather in Paris", "O O B-city", "book"))
    return {"train": train, "val": val, "test": test, **changes}


@pytest.mark.parametrize("algorithm", ["ap", "lbfgs"])
def test_spellings_and_neighbours_tell_the_tag(algorithm):
    found = evaluate(splits(), Baseline(algorithm=algorithm, iterations=30))
    assert found.val == {"accuracy": 1, "f1": 1, "exact_match": 1, "intent_accuracy": 1}
    assert found.report() == {
        "accuracy": 1,
        "f1": 1,
        "exact_match": 0.5,
        "intent_accuracy": 0.5,  # one test sentence has the wrong intent
        "val_accuracy": 1,
        "val_f1": 1,
        "val_exact_match": 1,
        "val_intent_accuracy": 1,
        "algorithm": algorithm,
        "tags": 5,
    }


def tagged(iterations=3):
    tokens, tags = ([row[i].split() for row in SENTENCES] for i in range(2))
    new = ["play a table by Oslo Lee in Ann", "Rome in songs York Bob now it"]
    return predict_tags(tokens, tags, [text.split() for text in new], Baseline(iterations=iterations))


def test_tags_do_not_depend_on_the_state_of_the_c_library():
    first = tagged()
    for _ in range(5):
        ctypes.CDLL(None).rand()
        assert tagged() == first


@pytest.mark.parametrize("seed", ["1", "2"])
def test_tags_do_not_depend_on_hashes(seed, request):
    folder = str(request.path.parent)
    code = f"import sys; sys.path.insert(0, {folder!r}); import test_crfsuite; print(test_crfsuite.tagged())"
    environment = os.environ | {"PYTHONHASHSEED": seed}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == str(tagged())


def test_a_single_tag_is_predicted_everywhere():
    assert predict_tags([["a", "b"]], [["O", "O"]], [["c"], []], Baseline()) == [["O"], []]
    one = {name: frame(("a b", "O O", None)) for name in ("train", "val", "test")}
    found = evaluate(one, Baseline())
    assert found.test == {"accuracy": 1, "f1": 0, "exact_match": 1}
    assert found.report()["algorithm"] is None


def test_tags_and_tokens_may_be_any_text():
    tags = ["a\0b", "a:b=c\\", "é\n"]
    tokens = [["x:1", "y\0y", "z\\"]] * 5
    assert predict_tags(tokens, [tags] * 5, [tokens[0], []], Baseline()) == [tags, []]


def test_empty_sentences_are_skipped():
    assert predict_tags([[], ["a", "b"]], [[], ["X", "Y"]], [[], ["a", "b"]], Baseline()) == [[], ["X", "Y"]]


def test_intents_are_learned_from_sentences_that_have_one():
    tokens = [["play", "it"], ["stop", "it"], ["play", "that"], ["stop"]]
    assert predict_intents(tokens, ["a", "b", None, None], [["play"], ["stop"]]) == ["a", "b"]
    assert predict_intents(tokens, ["a", None, "a", None], [["stop"]]) == ["a"]
    assert predict_intents(tokens, [None] * 4, [["stop"]]) == [None]


def test_sentences_without_intents_have_no_intent_accuracy():
    without = {name: split.with_columns(intent=pl.lit(None, pl.String)) for name, split in splits().items()}
    assert "intent_accuracy" not in evaluate(without, Baseline()).report()


def test_unknown_algorithms_are_refused():
    with pytest.raises(ValueError, match="'ap' or 'lbfgs'"):
        Baseline(algorithm="sgd")
