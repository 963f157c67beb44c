import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.corpus.dataset import Dataset, Ragged
from carousel.corpus.training_data import TrainingData
from carousel.errors import UserError

FILES = ["full_length.npy", "ids.offsets.npy", "ids.values.npy", "names.json", "targets.npy"]

# A document has at least one id: one without tokens is one unknown word
documents = st.lists(
    st.tuples(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=6), st.integers(0, 2)),
    min_size=1,
    max_size=8,
)


def encoded(rows):
    return Dataset(
        {"ids": Ragged.of([ids for ids, _ in rows])},
        {"targets": np.array([target for _, target in rows], dtype=np.int64)},
        names=tuple(f"dé.csv:{i}" for i in range(len(rows))),
    )


def ids_of(data):
    return [data.first[i].tolist() for i in range(len(data))]


@given(rows=documents)
@settings(max_examples=50, deadline=None)
def test_documents_survive_the_disk(rows):
    with tempfile.TemporaryDirectory() as folder:
        encoded(rows).save(Path(folder) / "train")
        again = Dataset.load(Path(folder) / "train")
        assert len(again) == len(rows)
        assert ids_of(again) == [ids for ids, _ in rows]
        assert again.scalars["targets"].tolist() == [target for _, target in rows]
        assert again.names == encoded(rows).names
        arrays = (again.sequences["ids"].values, again.sequences["ids"].offsets, again.scalars["targets"])
        assert [array.dtype for array in arrays] == ["int32", "int64", "int64"]
        assert again.fingerprint == encoded(rows).fingerprint


@given(rows=documents)
def test_lengths_are_those_of_the_documents(rows):
    whole = encoded(rows)
    assert whole.lengths.tolist() == [len(ids) for ids, _ in rows] == [len(ids) for ids in ids_of(whole)]
    assert np.concatenate(ids_of(whole)).tolist() == whole.first.values.tolist()
    assert whole.tokens == len(whole.first.values)


def test_lengths_before_cutting_survive_the_disk_and_change_no_fingerprint(tmp_path):
    cut = encoded([([5, 6], 1), ([7], 2), ([1], 1)])
    whole = replace(cut, full_length=np.array([900, 1, 0]))
    whole.save(tmp_path / "train")
    assert Dataset.load(tmp_path / "train").full_lengths.tolist() == [900, 1, 1]
    assert cut.full_lengths.tolist() == cut.lengths.tolist() == whole.lengths.tolist() == [2, 1, 1]
    assert cut.fingerprint == whole.fingerprint  # a model sees none of it


def test_the_ids_stay_on_disk_until_they_are_used(tmp_path):
    encoded([([5, 6], 1), ([7], 2)]).save(tmp_path / "train")
    again = Dataset.load(tmp_path / "train")
    assert isinstance(again.first.values, np.memmap)
    assert isinstance(again.first[1], np.memmap)
    assert not again.first.values.flags.writeable


def test_saving_again_replaces_the_folder(tmp_path):
    for rows in ([([1, 2, 3], 1)], [([4], 2), ([5], 1)]):
        encoded(rows).save(tmp_path / "train")
        (tmp_path / "train" / "stale").touch()
    encoded([([9], 1)]).save(tmp_path / "train")
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == FILES
    assert Dataset.load(tmp_path / "train").first.values.tolist() == [9]
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_says_what_makes_it(tmp_path, name):
    encoded([([1], 1)]).save(tmp_path / "train")
    (tmp_path / "train" / name).unlink()
    with pytest.raises(UserError, match=rf"train/{name}: no such file; `dvc repro encode` makes it"):
        Dataset.load(tmp_path / "train")


def test_joined_has_the_documents_of_both_in_order():
    one, other = encoded([([5, 6], 1), ([7], 2)]), encoded([([8, 9, 4], 1)])
    cut = replace(other, full_length=np.array([900]))
    both = one.joined(cut)
    assert ids_of(both) == [[5, 6], [7], [8, 9, 4]]
    assert both.scalars["targets"].tolist() == [1, 2, 1]
    assert both.names == one.names + other.names
    assert both.full_lengths.tolist() == [2, 1, 900]
    assert both.first.values.dtype == one.first.values.dtype


def tagged(rows, features=3):
    """Examples of three arrays: ids, vectors of each id, and a number each."""
    ids = Ragged.of([ids for ids, _ in rows])
    vectors = np.arange(ids.offsets[-1] * features, dtype=np.float32).reshape(-1, features)
    sequences = {"ids": ids, "vectors": Ragged(vectors, ids.offsets)}
    return Dataset(sequences, {"weights": np.linspace(0, 1, len(rows))}, tuple(map(str, range(len(rows)))))


@given(rows=documents)
@settings(max_examples=30, deadline=None)
def test_several_sequences_and_scalars_survive_the_disk_and_are_joined(rows):
    whole = tagged(rows)
    with tempfile.TemporaryDirectory() as folder:
        whole.save(Path(folder) / "train")
        again = Dataset.load(Path(folder) / "train")
        assert list(again.sequences) == ["ids", "vectors"]
        assert again.first.values.tolist() == whole.sequences["ids"].values.tolist()
        for i in range(len(rows)):
            assert np.array_equal(again.sequences["vectors"][i], whole.sequences["vectors"][i])
        assert np.array_equal(again.scalars["weights"], whole.scalars["weights"])
        assert again.fingerprint == whole.fingerprint
    both = whole.joined(whole)
    assert ids_of(both) == 2 * ids_of(whole)
    assert both.sequences["vectors"].values.shape == (2 * whole.tokens, 3)
    assert both.scalars["weights"].tolist() == 2 * whole.scalars["weights"].tolist()


def test_a_fingerprint_is_of_every_array_its_name_and_its_divisions_and_of_no_name_of_an_example():
    whole = tagged([([5, 6], 0), ([7], 0)])
    ids, vectors = whole.sequences["ids"], whole.sequences["vectors"]
    others = [
        replace(whole, sequences={"ids": Ragged(ids.values, np.array([0, 1, 3])), "vectors": vectors}),
        replace(whole, sequences={"ids": Ragged(ids.values + 1, ids.offsets), "vectors": vectors}),
        replace(whole, sequences={"ids": ids, "vectors": Ragged(vectors.values + 1, vectors.offsets)}),
        replace(whole, sequences={"tokens": ids, "vectors": vectors}),
        replace(whole, sequences={"ids": ids}),
        replace(whole, scalars={"weights": np.zeros(2)}),
    ]
    assert len({whole.fingerprint, *(other.fingerprint for other in others)}) == 1 + len(others)
    assert replace(whole, names=("other", "names")).fingerprint == whole.fingerprint


def test_values_and_lengths_make_the_sequences_that_lists_do():
    one, other = Ragged.of([[1, 2], [3]]), Ragged.ending(np.array([1, 2, 3]), np.array([2, 1]))
    assert (len(one), len(other)) == (2, 2)
    assert [one[i].tolist() for i in range(2)] == [other[i].tolist() for i in range(2)] == [[1, 2], [3]]
    assert len(Ragged.of([])) == 0


@given(rows=documents, data=st.data())
def test_taken_examples_are_those_of_the_indices_in_their_order(rows, data):
    whole = encoded(rows)
    indices = np.array(data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9)), np.int64)
    taken = whole.take(indices)
    assert ids_of(taken) == [ids_of(whole)[i] for i in indices]
    assert taken.names == tuple(whole.names[i] for i in indices)
    assert taken.scalars["targets"].tolist() == whole.scalars["targets"][indices].tolist()
    assert taken.full_lengths.tolist() == whole.full_lengths[indices].tolist()
    assert whole.take(np.arange(len(rows))).fingerprint == whole.fingerprint


@pytest.mark.parametrize(("fraction", "kept"), [(1.0, 10), (0.5, 5), (0.31, 3), (0.001, 1)])
def test_a_sample_is_a_fraction_of_train_in_its_order_and_leaves_val_whole(fraction, kept):
    data = TrainingData(encoded([([i], 0) for i in range(10)]), encoded([([9], 0)]), {})
    sample = data.sample(fraction, seed=3)
    found = [ids for (ids,) in ids_of(sample.train)]
    assert found == sorted(set(found))
    assert len(found) == kept
    assert sample.val is data.val
    assert sample.train.fingerprint == data.sample(fraction, seed=3).train.fingerprint
    assert fraction != 0.5 or sample.train.fingerprint != data.sample(fraction, seed=4).train.fingerprint
