import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.corpus.encoded import Encoded, targets
from carousel.errors import UserError

LABELS = ("café", "tea", "water")
FILES = ["full_length.npy", "ids.npy", "labels.json", "names.json", "offsets.npy", "targets.npy"]

# A document has at least one id: one without tokens is one unknown word
documents = st.lists(
    st.tuples(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=6), st.sampled_from(LABELS)),
    min_size=1,
    max_size=8,
)


def encoded(rows):
    return Encoded(
        ids=np.array([i for ids, _ in rows for i in ids], dtype=np.int32),
        offsets=np.cumsum([0, *(len(ids) for ids, _ in rows)], dtype=np.int64),
        targets=targets([label for _, label in rows], LABELS),
        labels=LABELS,
        names=tuple(f"dé.csv:{i}" for i in range(len(rows))),
    )


@given(rows=documents)
@settings(max_examples=50, deadline=None)
def test_documents_survive_the_disk(rows):
    with tempfile.TemporaryDirectory() as folder:
        encoded(rows).save(Path(folder) / "train")
        again = Encoded.load(Path(folder) / "train")
        assert len(again) == len(rows)
        assert [again.document(i).tolist() for i in range(len(again))] == [ids for ids, _ in rows]
        assert [again.labels[target] for target in again.targets] == [label for _, label in rows]
        assert (again.labels, again.names) == (LABELS, encoded(rows).names)
        assert [array.dtype for array in (again.ids, again.offsets, again.targets)] == ["int32", "int64", "int64"]


@given(rows=documents)
def test_lengths_are_those_of_the_documents(rows):
    whole = encoded(rows)
    assert (
        whole.lengths.tolist()
        == [len(ids) for ids, _ in rows]
        == [len(whole.document(i)) for i in range(len(whole))]
    )
    assert np.array_equal(np.concatenate([whole.document(i) for i in range(len(whole))]), whole.ids)


def test_lengths_before_cutting_survive_the_disk_and_change_no_fingerprint(tmp_path):
    cut = encoded([([5, 6], "tea"), ([7], "water"), ([1], "tea")])
    whole = replace(cut, full_length=np.array([900, 1, 0]))
    whole.save(tmp_path / "train")
    assert Encoded.load(tmp_path / "train").full_lengths.tolist() == [900, 1, 1]
    assert cut.full_lengths.tolist() == cut.lengths.tolist() == whole.lengths.tolist() == [2, 1, 1]
    assert cut.fingerprint == whole.fingerprint  # a model sees none of it


def test_the_ids_stay_on_disk_until_they_are_used(tmp_path):
    encoded([([5, 6], "tea"), ([7], "water")]).save(tmp_path / "train")
    again = Encoded.load(tmp_path / "train")
    assert isinstance(again.ids, np.memmap)
    assert isinstance(again.document(1), np.memmap)
    assert not again.ids.flags.writeable


def test_saving_again_replaces_the_folder(tmp_path):
    for rows in ([([1, 2, 3], "tea")], [([4], "water"), ([5], "tea")]):
        encoded(rows).save(tmp_path / "train")
        (tmp_path / "train" / "stale").touch()
    encoded([([9], "tea")]).save(tmp_path / "train")
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == FILES
    assert Encoded.load(tmp_path / "train").ids.tolist() == [9]
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_says_what_makes_it(tmp_path, name):
    encoded([([1], "tea")]).save(tmp_path / "train")
    (tmp_path / "train" / name).unlink()
    with pytest.raises(UserError, match=rf"train/{name}: no such file; `dvc repro encode` makes it"):
        Encoded.load(tmp_path / "train")


def test_joined_has_the_documents_of_both_in_order():
    one, other = encoded([([5, 6], "tea"), ([7], "water")]), encoded([([8, 9, 4], "tea")])
    cut = replace(other, full_length=np.array([900]))
    both = one.joined(cut)
    assert [both.document(i).tolist() for i in range(len(both))] == [[5, 6], [7], [8, 9, 4]]
    assert both.targets.tolist() == [*one.targets, *other.targets]
    assert both.names == one.names + other.names
    assert both.labels == one.labels
    assert both.full_lengths.tolist() == [2, 1, 900]
    assert both.ids.dtype == one.ids.dtype


@given(labels=st.lists(st.sampled_from(LABELS)))
def test_targets_index_the_labels(labels):
    found = targets(labels, LABELS)
    assert found.dtype == np.int64
    assert [LABELS[target] for target in found] == labels


def test_a_label_that_train_lacks_has_no_target():
    with pytest.raises(KeyError, match="wine"):
        targets(["tea", "wine"], LABELS)
