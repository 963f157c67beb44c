import polars as pl
import pytest

from carousel.tasks.classification import baseline
from carousel.tasks.classification.baseline import C_BOUNDS, best, evaluate
from carousel.tasks.classification.params import Baseline

PETS = ["the cat sat", "a cat and a dog", "my dog barks", "the dog and the cat", "a cat purrs", "dog days"]
DRINKS = ["hot tea please", "cold water", "tea and water", "a cup of tea", "water the tea", "more tea"]


def frame(*pairs):
    names = [f"document {i}" for i in range(len(pairs))]
    return pl.DataFrame({"id": names, "text": [text for text, _ in pairs], "label": [label for _, label in pairs]})


def splits(**changes):
    train = frame(*[(text, "pets") for text in PETS], *[(text, "drinks") for text in DRINKS])
    val = frame(("the cat purrs", "pets"), ("tea please", "drinks"))
    test = frame(("a dog", "pets"), ("cold tea", "drinks"), ("hot water", "drinks"), ("tea", "pets"))
    return {"train": train, "val": val, "test": test, **changes}


def test_words_tell_the_topic():
    found = evaluate(splits(), Baseline())
    assert found.val["accuracy"] == 1.0
    assert found.test["accuracy"] == 0.75  # one test document has the wrong label
    assert found.report() == {
        "accuracy": 0.75,
        "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2),
        "val_accuracy": 1.0,
        "val_macro_f1": 1.0,
        "c": found.c,
        "features": found.features,
        "characters": 5,
    }


def test_the_same_splits_give_the_same_report():
    assert evaluate(splits(), Baseline()) == evaluate(splits(), Baseline())


def test_c_is_chosen_on_validation():
    # a weak model predicts the majority label
    majority = frame(*[(text, "pets") for text in PETS], *[(text, "drinks") for text in DRINKS[:3]])
    assert evaluate(splits(train=majority), Baseline(c=[1e-6])).val["accuracy"] == 0.5
    found = evaluate(splits(train=majority), Baseline(c=[1e-3, 1.0]))
    assert found.val["accuracy"] == 1.0
    assert found.c > 1e-3


@pytest.mark.parametrize("peak", [0.02, 0.05, 0.3, 1.0, 20.0])
@pytest.mark.parametrize("grid", [[0.1, 0.3, 1.0], [1.0, 0.1], [0.5, 1.0, 5.0, 10.0]])
def test_a_grid_grows_until_the_best_is_inside(peak, grid):
    asked = []

    def score(c):
        asked.append(c)
        return -abs(c - peak)

    chosen = best(score, grid)
    assert chosen == max(asked, key=lambda c: -abs(c - peak))
    assert min(asked) < chosen < max(asked)
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_grid_stays_within_bounds(sign):
    asked = []

    def score(c):
        asked.append(c)
        return sign * c

    chosen = best(score, [0.1, 1.0])
    assert chosen == pytest.approx(C_BOUNDS[1] if sign == 1 else C_BOUNDS[0])
    assert all(C_BOUNDS[0] <= c <= C_BOUNDS[1] for c in asked)


def test_of_equal_values_the_smallest_is_taken_and_a_single_one_as_it_is():
    assert best(lambda c: float(c >= 1), [10.0, 0.1, 1.0]) == 1.0
    assert best(lambda c: c, [5.0]) == 5.0


def test_a_large_validation_split_chooses_alone_and_a_small_one_in_cross_validation(monkeypatch):
    train = frame(*[(f"cat {i}", "pets") for i in range(20)], *[(f"tea {i}", "drinks") for i in range(5)])
    wrong = frame(("cat", "drinks"), ("cat and cat", "drinks"), ("cat or", "drinks"), ("tea", "pets"))
    found = splits(train=train, val=wrong)
    assert evaluate(found, Baseline()).c > 0.01  # 25 documents outweigh four wrong ones
    monkeypatch.setattr(baseline, "FEW", 4)
    assert evaluate(found, Baseline()).c < 0.01


def test_a_label_with_one_document_is_no_obstacle():
    train = frame(("the cat", "pets"), ("hot tea", "drinks"))
    found = evaluate(splits(train=train, val=frame(("cat", "pets"))), Baseline())
    assert found.test["accuracy"] >= 0.5


def test_many_characters_are_left_out(monkeypatch):
    monkeypatch.setattr(baseline, "MOST_CHARACTERS", 100)
    found = evaluate(splits(), Baseline())
    assert (found.characters, found) == (0, evaluate(splits(), Baseline(characters=0)))


def test_the_test_split_chooses_nothing():
    everything = splits()
    other = evaluate(splits(test=everything["val"]), Baseline())
    found = evaluate(everything, Baseline())
    assert (other.c, other.val, other.features) == (found.c, found.val, found.features)


def test_what_is_tested_has_learned_from_validation_too():
    knowing = frame(("a budgerigar", "pets"), ("lemonade", "drinks"))
    test = frame(("budgerigar", "pets"), ("lemonade", "drinks"))
    assert evaluate(splits(test=test), Baseline(characters=0)).test["accuracy"] < 1.0
    found = evaluate(splits(val=knowing, test=test), Baseline())
    assert found.test["accuracy"] == 1.0


def test_features_are_of_train_and_validation_alone():
    learned = [*PETS, *DRINKS, *splits()["val"]["text"]]
    words = {word for text in learned for word in text.split()}
    pairs = {pair for text in learned for pair in zip(text.split(), text.split()[1:], strict=False)}
    assert evaluate(splits(), Baseline(ngrams=1, characters=0)).features == len(words)
    assert evaluate(splits(), Baseline(ngrams=2, characters=0)).features == len(words | pairs)
    padded = {f" {word} " for word in words}
    characters = {word[i : i + n] for word in padded for n in range(1, 6) for i in range(len(word) - n + 1)}
    assert evaluate(splits(), Baseline(ngrams=1)).features == len(words) + len(characters)


def test_characters_find_inflections_that_words_miss():
    train = frame(("kitten", "pets"), ("puppy", "pets"), ("lemonade", "drinks"), ("orangeade", "drinks"))
    new = frame(("kittens", "pets"), ("puppies", "pets"), ("lemonades", "drinks"))
    found = splits(train=train, val=new, test=new)
    assert evaluate(found, Baseline()).test["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("pets", "drinks"),
    [
        ("😀😂", "😡💔"),
        ("!!!", "..."),
        ("猫很好", "喝茶吧"),
        ("แมวดี", "ดื่มชา"),
        ("बिल्ली", "चाय"),
        ("\u200b", "\ufeff"),
    ],
)
def test_any_script_and_texts_without_a_word(pets, drinks):
    train = frame(*[(pets * n, "pets") for n in (1, 2, 3)], *[(drinks * n, "drinks") for n in (1, 2, 3)])
    new = frame((pets * 4, "pets"), (drinks * 4, "drinks"))
    found = evaluate({"train": train, "val": new, "test": new}, Baseline())
    assert found.test["accuracy"] == 1.0


@pytest.mark.parametrize("asked", ["😀", "a word"])
def test_without_any_feature_the_most_frequent_label_is_the_answer(asked):
    train, val = frame(("😀", "b"), ("😀😀", "b"), ("!", "a")), frame(("?", "a"))
    found = evaluate(
        {"train": train, "val": val, "test": frame((asked, "a"), (asked, "b"))}, Baseline(characters=0)
    )
    assert (found.c, found.features) == (None, 0)
    assert found.test == {"accuracy": 0.5, "macro_f1": pytest.approx(1 / 3)}
