import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.corpus import split as splitting
from carousel.corpus.document import SPLITS
from carousel.corpus.split import divide
from carousel.errors import UserError
from carousel.params import Split
from carousel.tasks.classification.preparation import prepare
from tests.support.documents_to_split import BASE, frame, given_splits, key, mixed, splits


@given(documents=st.one_of(mixed(), given_splits()), split=splits)
@settings(max_examples=30, deadline=None)
def test_documents_with_equal_texts_are_the_same_and_labels_are_divided_alike(documents, split):
    prepared = prepare(documents, split)
    expected = divide(documents.with_columns(key=splitting.key(pl.col("text"))), split, "label")
    assert all(prepared.splits[name].equals(expected.splits[name]) for name in SPLITS)
    assert (prepared.divided.duplicates, prepared.divided.leaked) == (expected.duplicates, expected.leaked)
    assert all(part.columns == ["id", "text", "label"] for part in prepared.splits.values())


@given(documents=st.one_of(mixed(), given_splits()), split=splits)
@settings(max_examples=10, deadline=None)
def test_the_same_documents_have_the_same_report(documents, split):
    assert prepare(documents, split).report() == prepare(documents, split).report()


# Examples


def test_the_report_counts_documents_labels_and_what_was_dropped():
    rows = [(f"{label} {i}", label, "train") for label in ("pos", "neg") for i in range(2)]
    rows += [("POS 0", "pos", "train"), ("neg 1", "neg", "test"), ("new", "pos", "test"), ("pos 1", "pos", "val")]
    prepared = prepare(frame(rows), Split())
    assert {**prepared.divided.report(), **prepared.report()} == {
        "documents": {"train": 2, "val": 1, "test": 2},
        "dropped": {"duplicates": 1, "also_in_a_later_split": 2},
        "texts_under_different_labels": {"texts": 0, "documents": 0, "labels": {}},
        "labels_that_vanished": {},
        "labels": {"train": {"neg": 1, "pos": 1}, "val": {"pos": 1}, "test": {"neg": 1, "pos": 1}},
    }


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


def test_one_label_is_too_few():
    rows = [("a", "pos", "train"), ("b", "pos", "val"), ("c", "pos", "test")]
    with pytest.raises(
        UserError, match=r"the train split has one label only \('pos'\); a classifier needs at least two"
    ):
        prepare(frame(rows), Split())
