import polars as pl
import pytest

from carousel.evaluation.linear import evaluate
from carousel.params import Baseline

PETS = ["the cat sat", "a cat and a dog", "my dog barks", "the dog and the cat", "a cat purrs", "dog days"]
DRINKS = ["hot tea please", "cold water", "tea and water", "a cup of tea", "water the tea", "more tea"]


def frame(*pairs):
    return pl.DataFrame({"text": [text for text, _ in pairs], "label": [label for _, label in pairs]})


def splits(**changes):
    train = frame(*[(text, "pets") for text in PETS], *[(text, "drinks") for text in DRINKS])
    val = frame(("the cat purrs", "pets"), ("tea please", "drinks"))
    test = frame(("a dog", "pets"), ("cold tea", "drinks"), ("hot water", "drinks"), ("tea", "pets"))
    return {"train": train, "val": val, "test": test, **changes}


def test_words_tell_the_topic():
    found = evaluate(splits(), Baseline())
    assert found.val["accuracy"] == 1.0
    assert found.test["accuracy"] == 0.75  # one test document bears the wrong label
    assert found.report() == {
        "accuracy": 0.75,
        "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2),
        "val_accuracy": 1.0,
        "c": found.c,
        "features": found.features,
    }


def test_the_same_splits_give_the_same_report():
    assert evaluate(splits(), Baseline()) == evaluate(splits(), Baseline())


def test_the_strength_is_chosen_on_validation_and_a_tie_takes_the_first():
    everything = splits()
    assert evaluate(everything, Baseline(c=[1.0, 10.0])).c == 1.0
    assert evaluate(everything, Baseline(c=[10.0, 1.0])).c == 10.0
    # almost no strength gives the label of the majority
    majority = frame(*[(text, "pets") for text in PETS], *[(text, "drinks") for text in DRINKS[:3]])
    assert evaluate(splits(train=majority), Baseline(c=[1e-6, 10.0])).c == 10.0


def test_the_test_split_chooses_nothing():
    everything = splits()
    other = evaluate(splits(test=everything["val"]), Baseline())
    found = evaluate(everything, Baseline())
    assert (other.c, other.val, other.features) == (found.c, found.val, found.features)


def test_what_is_tested_has_learned_from_validation_too():
    knowing = frame(("a budgerigar", "pets"), ("lemonade", "drinks"))
    test = frame(("budgerigar", "pets"), ("lemonade", "drinks"))
    assert evaluate(splits(test=test), Baseline()).test["accuracy"] < 1.0
    found = evaluate(splits(val=knowing, test=test), Baseline())
    assert found.test["accuracy"] == 1.0


def test_features_are_the_words_of_train_and_validation_and_their_sequences():
    learned = [*PETS, *DRINKS, *splits()["val"]["text"]]
    words = {word for text in learned for word in text.split()}
    pairs = {pair for text in learned for pair in zip(text.split(), text.split()[1:], strict=False)}
    assert evaluate(splits(), Baseline(ngrams=1)).features == len(words)
    assert "a" in words  # a word of one letter is a word
    assert evaluate(splits(), Baseline(ngrams=2)).features == len(words | pairs)
