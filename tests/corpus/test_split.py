import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.corpus import split as splitting
from carousel.corpus.document import SPLITS
from carousel.corpus.split import divide
from carousel.errors import UserError
from carousel.params import Split
from tests.support.documents_to_split import BASE, frame, given_splits, key, keys, mixed, splits


def divided(documents, split=None, stratum="label"):
    """Divide documents of which equal texts count as the same."""
    return divide(documents.with_columns(key=splitting.key(pl.col("text"))), split or Split(), stratum)


def part_of(prepared):
    return {text: name for name, part in prepared.splits.items() for text in keys(part)}


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
    prepared = divided(documents, split)
    check_parts(documents, prepared)
    assert prepared.duplicates == documents.height - len(set(keys(documents)))
    assert prepared.leaked == 0


@given(documents=mixed(), split=splits)
@settings(max_examples=30, deadline=None)
def test_of_each_text_the_first_stays(documents, split):
    first = {}
    for name, text in documents.select("id", "text").iter_rows():
        first.setdefault(key(text), name)
    prepared = divided(documents, split)
    assert sorted(name for part in prepared.splits.values() for name in part["id"]) == sorted(first.values())


@given(documents=mixed(), split=splits)
@settings(max_examples=30, deadline=None)
def test_each_label_is_divided_by_the_fractions(documents, split):
    prepared = divided(documents, split)
    for label in ("pos", "neg"):
        size = {name: part.filter(pl.col("label") == label).height for name, part in prepared.splits.items()}
        total = sum(size.values())
        assert abs(size["test"] - total * split.test_fraction) <= 0.5 + 1e-9
        assert abs(size["val"] - total * split.val_fraction) <= 1 + 1e-9


@given(documents=mixed(), split=splits)
@settings(max_examples=30, deadline=None)
def test_without_a_stratum_the_whole_is_divided_by_the_fractions(documents, split):
    prepared = divided(documents, split, stratum=None)
    check_parts(documents, prepared)
    size = {name: part.height for name, part in prepared.splits.items()}
    total = sum(size.values())
    assert abs(size["test"] - total * split.test_fraction) <= 0.5 + 1e-9
    assert abs(size["val"] - total * split.val_fraction) <= 1 + 1e-9


# Given splits


@given(documents=given_splits(), split=splits)
@settings(max_examples=100, deadline=None)
def test_given_splits_share_no_text_either(documents, split):
    prepared = divided(documents, split)
    check_parts(documents, prepared)
    train = documents.filter(pl.col("split") == "train")
    assert prepared.duplicates == train.height - len(set(keys(train)))


@given(documents=given_splits(), split=splits)
@settings(max_examples=100, deadline=None)
def test_held_out_documents_stay_as_they_came_with_their_duplicates(documents, split):
    prepared = divided(documents, split)
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
    prepared = divided(documents, split)
    came = {name: keys(documents.filter(pl.col("split") == name)) for name in SPLITS}
    train = len(set(came["train"]) & {*came["val"], *came["test"]})
    val = len([text for text in came["val"] if text in came["test"]])
    assert prepared.leaked == train + val


@given(documents=given_splits(), split=splits)
@settings(max_examples=30, deadline=None)
def test_every_document_of_train_came_in_train(documents, split):
    came = dict(documents.select("id", "split").iter_rows())
    prepared = divided(documents, split)
    assert {came[name] for name in prepared.splits["train"]["id"]} == {"train"}


# Stability


@given(documents=st.one_of(mixed(), given_splits()), split=splits)
@settings(max_examples=30, deadline=None)
def test_the_same_documents_are_divided_the_same_way(documents, split):
    one, other = divided(documents, split), divided(documents, split)
    assert all(one.splits[name].equals(other.splits[name]) for name in SPLITS)
    assert one.report() == other.report()


@given(data=st.data(), split=splits)
@settings(max_examples=30, deadline=None)
def test_neither_order_nor_ids_matter(data, split):
    shuffled = data.draw(st.permutations(BASE))
    assert part_of(divided(frame(BASE), split)) == part_of(divided(frame(shuffled), split))


@given(
    numbers=st.lists(st.integers(0, 10**6), unique=True, min_size=100, max_size=160),
    added=st.integers(1, 8),
    split=splits,
)
@settings(max_examples=60, deadline=None)
def test_documents_added_later_move_few_of_the_others(numbers, added, split):
    rows = [(f"text {i}", "pos" if place % 2 else "neg") for place, i in enumerate(numbers)]
    before = part_of(divided(frame(rows[:-added]), split))
    after = part_of(divided(frame(rows), split))
    moved = [text for text in before if before[text] != after[text]]
    assert len(moved) <= 4 * added  # each shifts the borders of test and of val by one place at most


def test_another_seed_divides_otherwise():
    parts = [part_of(divided(frame(BASE), Split(seed=seed))) for seed in range(3)]
    assert parts[0] != parts[1] != parts[2] != parts[0]


# Examples


def test_texts_are_the_same_but_for_case_and_white_space():
    rows = [*BASE, ("The  Café\n", "pos"), ("the café", "pos"), (" THE\tCAFÉ", "neg"), ("thecafé", "neg")]
    assert divided(frame(rows)).duplicates == 2


def test_the_report_counts_documents_and_what_was_dropped():
    rows = [(f"{label} {i}", label, "train") for label in ("pos", "neg") for i in range(2)]
    rows += [("POS 0", "pos", "train"), ("neg 1", "neg", "test"), ("new", "pos", "test"), ("pos 1", "pos", "val")]
    assert divided(frame(rows)).report() == {
        "documents": {"train": 2, "val": 1, "test": 2},
        "dropped": {"duplicates": 1, "also_in_a_later_split": 2},
    }


def test_what_counts_as_the_same_is_said_by_the_key_and_every_other_column_stays():
    rows = [(f"a{i}", f"text {i}", "x", [i], f"key {i // 2}") for i in range(40)]
    documents = pl.DataFrame(rows, schema=["id", "text", "label", "spans", "key"], orient="row")
    found = divide(documents.with_columns(split=pl.lit(None, pl.String)), Split())
    assert found.duplicates == 20
    for part in found.splits.values():
        assert part.columns == ["id", "text", "label", "spans"]
        assert all(
            spans == [int(name[1:])] and spans[0] % 2 == 0 for name, spans in part["id", "spans"].iter_rows()
        )


def test_a_rare_label_stays_in_train():
    prepared = divided(frame([*BASE, ("rare one", "rare"), ("rare two", "rare")]))
    assert [name for name, part in prepared.splits.items() if "rare" in part["label"].to_list()] == ["train"]


@pytest.mark.parametrize(
    "other",
    ["THE CAFÉ", " the\u00a0café ", "the cafe\u0301", "the\u200b café", "\ufeffthe café\u00ad", "The CAFE\u0301"],
)
def test_texts_are_the_same_but_for_what_a_reader_cannot_see(other):
    assert divided(frame([*BASE, ("the café", "pos"), (other, "pos")])).duplicates == 1
    assert divided(frame([*BASE, ("the café", "pos"), ("the cafe", "pos")])).duplicates == 0
    rows = [*((*row, "train") for row in BASE), ("the café", "pos", "train"), (other, "pos", "test")]
    assert divided(frame([*rows, ("b", "neg", "test")])).leaked == 1


# Mistakes


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
    ],
)
def test_a_split_with_too_little_is_refused(rows, message):
    with pytest.raises(UserError, match=message):
        divided(frame(rows))
