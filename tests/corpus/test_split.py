import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.corpus.document import SPLITS
from carousel.tasks.classification.document import SCHEMA
from carousel.corpus.split import prepare
from carousel.errors import UserError
from carousel.params import Split

# Few words, so that the same text comes often: again, in other case, in other white space, under another label
words = st.sampled_from(
    ["café", "CAFÉ", "tea", "Tea ", "tea  time", "tea\ntime", "TEA\tTIME", "Σας", "ΣΑΣ", "x", "y"]
)
labels = st.sampled_from(["pos", "neg"])
noise = st.lists(st.tuples(words, labels), max_size=12)

# Enough of each label for every part
BASE = [(f"{label} {i}", label) for label in ("pos", "neg") for i in range(12)]

fractions = st.floats(0.1, 0.45)
splits = st.builds(Split, val_fraction=fractions, test_fraction=fractions, seed=st.integers(0, 5))


def frame(rows):
    """Make documents of (text, label) or (text, label, split)."""
    rows = [(f"d{i}", *row, *[None] * (3 - len(row))) for i, row in enumerate(rows)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def key(text):
    return " ".join(text.lower().split())


def keys(documents):
    return [key(text) for text in documents["text"]]


def part_of(prepared):
    return {text: name for name, part in prepared.splits.items() for text in keys(part)}


@st.composite
def mixed(draw):
    """Documents without splits, in any order."""
    return frame(draw(st.permutations([*BASE, *draw(noise)])))


@st.composite
def given_splits(draw):
    """Documents with given splits: train, and perhaps val, and perhaps test."""
    rows = [(*row, "train") for row in [*BASE, *draw(noise)]]
    for name in draw(st.sampled_from([(), ("val",), ("test",), ("val", "test")])):
        held_out = [(f"{name} {i}", label) for i, label in enumerate(("pos", "neg"))]
        rows += [
            (*row, name) for row in [*held_out, *draw(noise), *draw(st.lists(st.sampled_from(BASE), max_size=4))]
        ]
    return frame(draw(st.permutations(rows)))


def check_parts(documents, prepared):
    """Check what holds for every division."""
    assert tuple(prepared.splits) == SPLITS
    found = {name: keys(part) for name, part in prepared.splits.items()}
    for name in SPLITS:
        for other in SPLITS:
            assert name == other or not set(found[name]) & set(found[other])
    assert len(set(found["train"])) == len(found["train"])
    assert set().union(*found.values()) == set(keys(documents))
    assert sum(map(len, found.values())) + prepared.duplicates + prepared.leaked == documents.height
    for part in prepared.splits.values():
        assert part.columns == ["id", "text", "label"]
        inside = documents.filter(documents["id"].is_in(part["id"].to_list())).select("id", "text", "label")
        assert part.equals(inside)  # nothing is changed, and the order stays


# Documents without a split


@given(documents=mixed(), split=splits)
@settings(max_examples=60, deadline=None)
def test_no_text_is_in_two_splits_or_there_twice_and_none_is_lost(documents, split):
    prepared = prepare(documents, split)
    check_parts(documents, prepared)
    assert prepared.duplicates == documents.height - len(set(keys(documents)))
    assert prepared.leaked == 0


@given(documents=mixed(), split=splits)
@settings(max_examples=30, deadline=None)
def test_of_each_text_the_first_stays(documents, split):
    first = {}
    for name, text in documents.select("id", "text").iter_rows():
        first.setdefault(key(text), name)
    prepared = prepare(documents, split)
    assert sorted(name for part in prepared.splits.values() for name in part["id"]) == sorted(first.values())


@given(documents=mixed(), split=splits)
@settings(max_examples=30, deadline=None)
def test_each_label_is_divided_by_the_fractions(documents, split):
    prepared = prepare(documents, split)
    for label in ("pos", "neg"):
        size = {name: part.filter(pl.col("label") == label).height for name, part in prepared.splits.items()}
        total = sum(size.values())
        assert abs(size["test"] - total * split.test_fraction) <= 0.5 + 1e-9
        assert abs(size["val"] - total * split.val_fraction) <= 1 + 1e-9


# Given splits


@given(documents=given_splits(), split=splits)
@settings(max_examples=100, deadline=None)
def test_given_splits_share_no_text_either(documents, split):
    prepared = prepare(documents, split)
    check_parts(documents, prepared)
    train = documents.filter(pl.col("split") == "train")
    assert prepared.duplicates == train.height - len(set(keys(train)))


@given(documents=given_splits(), split=splits)
@settings(max_examples=100, deadline=None)
def test_held_out_documents_stay_as_they_came_with_their_duplicates(documents, split):
    prepared = prepare(documents, split)
    came = {name: documents.filter(pl.col("split") == name).select("id", "text", "label") for name in SPLITS}
    if not came["test"].is_empty():
        assert prepared.splits["test"].equals(came["test"])
    if not came["val"].is_empty():  # test comes before val
        in_test = set(keys(came["test"]))
        assert prepared.splits["val"].equals(
            came["val"].filter([text not in in_test for text in keys(came["val"])])
        )


@given(documents=given_splits(), split=splits)
@settings(max_examples=100, deadline=None)
def test_what_a_later_split_holds_is_dropped_and_counted(documents, split):
    prepared = prepare(documents, split)
    came = {name: keys(documents.filter(pl.col("split") == name)) for name in SPLITS}
    train = len(set(came["train"]) & {*came["val"], *came["test"]})
    val = len([text for text in came["val"] if text in came["test"]])
    assert prepared.leaked == train + val


@given(documents=given_splits(), split=splits)
@settings(max_examples=30, deadline=None)
def test_every_document_of_train_came_in_train(documents, split):
    came = dict(documents.select("id", "split").iter_rows())
    prepared = prepare(documents, split)
    assert {came[name] for name in prepared.splits["train"]["id"]} == {"train"}


# Stability


@given(documents=st.one_of(mixed(), given_splits()), split=splits)
@settings(max_examples=30, deadline=None)
def test_the_same_documents_are_divided_the_same_way(documents, split):
    one, other = prepare(documents, split), prepare(documents, split)
    assert all(one.splits[name].equals(other.splits[name]) for name in SPLITS)
    assert one.report() == other.report()


@given(data=st.data(), split=splits)
@settings(max_examples=30, deadline=None)
def test_neither_order_nor_ids_matter(data, split):
    shuffled = data.draw(st.permutations(BASE))
    assert part_of(prepare(frame(BASE), split)) == part_of(prepare(frame(shuffled), split))


@given(
    numbers=st.lists(st.integers(0, 10**6), unique=True, min_size=100, max_size=160),
    added=st.integers(1, 8),
    split=splits,
)
@settings(max_examples=60, deadline=None)
def test_documents_added_later_move_few_of_the_others(numbers, added, split):
    rows = [(f"text {i}", "pos" if place % 2 else "neg") for place, i in enumerate(numbers)]
    before = part_of(prepare(frame(rows[:-added]), split))
    after = part_of(prepare(frame(rows), split))
    moved = [text for text in before if before[text] != after[text]]
    assert len(moved) <= 4 * added  # each shifts the borders of test and of val by one place at most


def test_another_seed_divides_otherwise():
    parts = [part_of(prepare(frame(BASE), Split(seed=seed))) for seed in range(3)]
    assert parts[0] != parts[1] != parts[2] != parts[0]


# Examples


def test_texts_are_the_same_but_for_case_and_white_space():
    rows = [*BASE, ("The  Café\n", "pos"), ("the café", "pos"), (" THE\tCAFÉ", "neg"), ("thecafé", "neg")]
    assert prepare(frame(rows), Split()).duplicates == 2


def test_the_report_counts_documents_labels_and_what_was_dropped():
    rows = [(f"{label} {i}", label, "train") for label in ("pos", "neg") for i in range(2)]
    rows += [("POS 0", "pos", "train"), ("neg 1", "neg", "test"), ("new", "pos", "test"), ("pos 1", "pos", "val")]
    assert prepare(frame(rows), Split()).report() == {
        "documents": {"train": 2, "val": 1, "test": 2},
        "dropped": {"duplicates": 1, "also_in_a_later_split": 2},
        "texts_under_different_labels": {"texts": 0, "documents": 0, "labels": {}},
        "labels_that_vanished": {},
        "labels": {"train": {"neg": 1, "pos": 1}, "val": {"pos": 1}, "test": {"neg": 1, "pos": 1}},
    }


def test_a_rare_label_stays_in_train():
    prepared = prepare(frame([*BASE, ("rare one", "rare"), ("rare two", "rare")]), Split())
    assert [name for name, part in prepared.splits.items() if "rare" in part["label"].to_list()] == ["train"]


@pytest.mark.parametrize(
    "other",
    ["THE CAFÉ", " the\u00a0café ", "the cafe\u0301", "the\u200b café", "\ufeffthe café\u00ad", "The CAFE\u0301"],
)
def test_texts_are_the_same_but_for_what_a_reader_cannot_see(other):
    assert prepare(frame([*BASE, ("the café", "pos"), (other, "pos")]), Split()).duplicates == 1
    assert prepare(frame([*BASE, ("the café", "pos"), ("the cafe", "pos")]), Split()).duplicates == 0
    rows = [*((*row, "train") for row in BASE), ("the café", "pos", "train"), (other, "pos", "test")]
    assert prepare(frame([*rows, ("b", "neg", "test")]), Split()).leaked == 1


# Texts under different labels


def test_texts_under_different_labels_are_counted_and_the_first_is_named():
    rows = [
        *BASE,
        ("POS  0", "neg"),
        ("pos 1", "neg"),
        ("pos 1", "neg"),
        ("neg 0", "neg"),
        ("pos 2", "odd"),
        ("x", "odd"),
    ]
    prepared = prepare(frame(rows), Split())
    assert prepared.report()["texts_under_different_labels"] == {
        "texts": 3,
        "documents": 7,
        "labels": {"neg, pos": 5, "odd, pos": 2},
    }
    assert prepared.vanished == {}
    assert prepared.remarks() == [
        "3 texts under different labels (neg, pos: 5 documents, odd, pos: 2 documents), the first as d0 (pos) and "
        "d24 (neg); train keeps the first document of each"
    ]


def test_texts_under_different_labels_are_found_across_given_splits():
    rows = [*((*row, "train") for row in BASE), ("pos 0", "neg", "test"), ("new", "pos", "test")]
    prepared = prepare(frame(rows), Split())
    assert prepared.report()["texts_under_different_labels"]["texts"] == 1


@pytest.mark.parametrize("split", [None, "train"])
def test_a_label_that_vanishes_is_named(split):
    rows = [(*row, split) for row in [*BASE, *((text, "ghost") for text, _ in BASE[:5])]]
    prepared = prepare(frame(rows), Split())
    assert prepared.report()["labels_that_vanished"] == {"ghost": 5}
    assert prepared.remarks()[-1] == (
        "label 'ghost' is gone: the text of each of its 5 documents is also under another label, and that document "
        "was kept"
    )


def test_a_vanished_label_explains_why_one_is_left():
    rows = [(text, label) for text, _ in BASE for label in ("pos", "neg")]
    with pytest.raises(
        UserError, match=r"one label only \('pos'\) \(every text of 'neg' is also under another label\)"
    ):
        prepare(frame(rows), Split())


@given(documents=st.one_of(mixed(), given_splits()), split=splits)
@settings(max_examples=60, deadline=None)
def test_conflicts_and_vanished_labels_are_what_counting_finds(documents, split):
    prepared = prepare(documents, split)
    found = {}
    for text, label in documents.select("text", "label").iter_rows():
        found.setdefault(key(text), set()).add(label)
    assert prepared.conflicts.texts == sum(len(labels) > 1 for labels in found.values())
    left = {label for part in prepared.splits.values() for label in part["label"]}
    assert set(prepared.vanished) == set(documents["label"]) - left


# Mistakes


def test_labels_that_train_lacks_are_named():
    rows = [*((*row, "train") for row in BASE), ("a", "odd", "test"), ("b", "pos", "test"), ("c", "even", "test")]
    with pytest.raises(
        UserError, match=r"the test split has labels that train lacks \('even', 'odd'\): they cannot"
    ):
        prepare(frame(rows), Split())


def test_a_label_that_only_leaks_leave_in_train_is_named():
    rows = [*((*row, "train") for row in BASE), ("a", "odd", "train"), ("A", "odd", "test"), ("b", "pos", "test")]
    with pytest.raises(UserError, match=r"the test split has labels that train lacks \('odd'\)"):
        prepare(frame(rows), Split())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "the train split is empty: bring more documents$"),
        ([("a", "pos", "test"), ("b", "neg", "test")], "the train split is empty: bring more documents$"),
        ([("a", "pos", "train"), ("A", "pos", "test")], "the train split is empty: bring more documents$"),
        ([("a", "pos"), ("b", "neg")], "the val split is empty: bring more documents, or raise split.val_fraction"),
        (
            [("a", "pos", "train"), ("b", "neg", "train"), ("c", "pos", "val")],
            "the test split is empty: bring more documents, or raise split.test_fraction",
        ),
        (
            [("a", "pos", "train"), ("b", "pos", "val"), ("c", "pos", "test")],
            r"the train split has one label only \('pos'\); a classifier needs at least two",
        ),
    ],
)
def test_a_split_with_too_little_is_refused(rows, message):
    with pytest.raises(UserError, match=message):
        prepare(frame(rows), Split())
