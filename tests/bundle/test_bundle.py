import contextlib
import errno
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from carousel.bundle.bundle import CONFIG, FORMAT, WEIGHTS, Bundle, BundleError
from carousel.corpus.training_data import TOKENIZER, VOCABULARY
from carousel.errors import UserError
from carousel.tasks.classification.labels import PART as LABELS
from carousel.text.vocabulary import Vocabulary
from tests.support.classifiers import make_bundle

FILES = sorted([CONFIG, LABELS, TOKENIZER, VOCABULARY, WEIGHTS])
each_file = pytest.mark.parametrize("name", FILES)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
configurations = st.dictionaries(st.text(max_size=8), values, max_size=5)
parts = st.dictionaries(st.from_regex(r"[a-z0-9_]{1,8}\.txt", fullmatch=True), st.binary(max_size=20), max_size=4)
types = st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool])
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@st.composite
def tensors(draw):
    """Tensors of any type and shape, of random bytes."""
    torch.manual_seed(draw(st.integers(0, 99)))
    names = draw(st.lists(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), unique=True))
    return {name: (torch.randn(draw(shapes)) * 9).to(draw(types)) for name in names}


def octets(tensor):
    return tensor.flatten().view(torch.uint8).numpy().tobytes()


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def edited(path, change):
    """Change the JSON of a file in place."""
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def refusal(folder):
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    return caught.value


@pytest.fixture
def bundle():
    return make_bundle()


@pytest.fixture
def saved(bundle, tmp_path):
    """The folder of a saved bundle."""
    bundle.save(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a saved bundle that no test changes."""
    folder = tmp_path_factory.mktemp("whole") / "bundle"
    make_bundle().save(folder)
    return folder


@contextlib.contextmanager
def copied(folder):
    with tempfile.TemporaryDirectory() as workspace:
        yield Path(shutil.copytree(folder, Path(workspace) / "bundle"))


# Identities


@given(task=st.text(max_size=8), config=configurations, contents=parts, weights=tensors())
@settings(max_examples=60, deadline=None)
def test_a_bundle_survives_save_and_load_bit_for_bit(task, config, contents, weights):
    bundle = Bundle(task, config, contents, weights)
    with tempfile.TemporaryDirectory() as folder:
        bundle.save(Path(folder) / "bundle")
        again = Bundle.load(Path(folder) / "bundle")
        recorded = json.loads((Path(folder) / "bundle" / CONFIG).read_text("utf-8"))
        assert set(again.tensors) == set(weights)
        for name, expected in weights.items():
            assert again.tensors[name].dtype == expected.dtype
            assert again.tensors[name].shape == expected.shape
            assert octets(again.tensors[name]) == octets(expected)
    assert (again.task, again.config, again.parts) == (task, config, contents)
    assert again.fingerprints == bundle.fingerprints == recorded["fingerprints"]
    assert again.fingerprint == bundle.fingerprint == recorded["fingerprint"]


def test_two_saves_are_the_same_bytes(bundle, tmp_path):
    for name in ("one", "other"):
        bundle.save(tmp_path / name)
    Bundle.load(tmp_path / "one").save(tmp_path / "third")
    assert files(tmp_path / "one") == files(tmp_path / "other") == files(tmp_path / "third")


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({}, []),
        ({"words": ("the", "cat", "sat", "on", "mat", ".", "ça", "日本", "\r", "other")}, [VOCABULARY]),
        ({"labels": ("animal", "その他", "Möbel")}, [LABELS]),
        ({"tokenizer": "split"}, [TOKENIZER]),
        ({"max_length": 13}, [CONFIG]),
        ({"truncation": "head"}, []),  # the default
        ({"truncation": "none"}, [CONFIG]),
        ({"pooling": "max_mean"}, []),  # the default
        ({"dropout": 0.1}, [CONFIG]),
        ({"ngrams": 2}, [CONFIG, WEIGHTS]),
        ({"seed": 1}, [WEIGHTS]),
    ],
)
def test_the_fingerprint_changes_with_each_part_and_with_nothing_else(change, changed):
    one, other = make_bundle(), make_bundle(**change)
    assert [name for name in FILES if one.fingerprints[name] != other.fingerprints[name]] == changed
    assert (one.fingerprint != other.fingerprint) == bool(changed)


def test_the_fingerprint_changes_with_the_task_and_with_the_name_of_a_part(bundle):
    other = replace(bundle, task="another")
    assert [name for name in FILES if bundle.fingerprints[name] != other.fingerprints[name]] == [CONFIG]
    assert other.fingerprint != bundle.fingerprint
    renamed = {"words.txt" if name == VOCABULARY else name: part for name, part in bundle.parts.items()}
    assert replace(bundle, parts=renamed).fingerprint != bundle.fingerprint


def test_the_fingerprint_is_the_same_in_whatever_order_parts_and_tensors_are(bundle, tmp_path):
    turned = replace(
        bundle,
        config=dict(reversed(bundle.config.items())),
        parts=dict(reversed(bundle.parts.items())),
        tensors=dict(reversed(bundle.tensors.items())),
    )
    assert turned.fingerprint == bundle.fingerprint
    turned.save(tmp_path / "turned")
    assert Bundle.load(tmp_path / "turned").fingerprint == bundle.fingerprint


def test_one_bit_of_one_weight_changes_the_fingerprint(bundle):
    before, bias = bundle.fingerprint, bundle.tensors["head.bias"]
    bias[0] = torch.nextafter(bias[0], torch.tensor(torch.inf))
    assert bundle.fingerprint != before


# Parts of two models


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (VOCABULARY, {"words": ("on", "the", "cat", "sat", "mat", ".", "ça", "日本", "\r", "a\u2028b")}),
        (VOCABULARY, {"words": ("the", "cat")}),
        (TOKENIZER, {"tokenizer": "split"}),
        (LABELS, {"labels": ("animal", "その他", "Möbel")}),
        (WEIGHTS, {"seed": 1}),
        (WEIGHTS, {"cell": "gru"}),
    ],
)
def test_a_part_of_another_model_is_refused_by_name_with_both_fingerprints(bundle, saved, tmp_path, name, change):
    other = make_bundle(**change)
    other.save(tmp_path / "other")
    (tmp_path / "other" / name).replace(saved / name)
    message = str(refusal(saved))
    assert message.startswith(f"{saved / name}: does not belong to this bundle")
    assert bundle.fingerprints[name][:16] in message
    assert other.fingerprints[name][:16] in message
    assert "\n" not in message


EDITS = {
    "another task": lambda content: content.update(task="tagging"),
    "max_length": lambda content: content["config"].update(max_length=13),
    "truncation": lambda content: content["config"].update(truncation="none"),
    "pooling": lambda content: content["config"]["model"].update(pooling="mean"),
    "hidden_size": lambda content: content["config"]["model"]["encoder"].update(hidden_size=9),
    "unknown cell": lambda content: content["config"]["model"]["encoder"].update(cell="xlstm"),
    "no probability": lambda content: content["config"]["model"].update(dropout=7.5),
    "vocabulary_size": lambda content: content["config"]["model"].update(vocabulary_size=3),
    "fewer settings": lambda content: content["config"].pop("ngrams"),
    "more settings": lambda content: content["config"].update(other=1),
    "fingerprint": lambda content: content.update(fingerprint="0" * 64),
    "its own fingerprint": lambda content: content["fingerprints"].update({CONFIG: "0" * 64}),
    "another part": lambda content: content["fingerprints"].update({"other.txt": "0" * 64}),
}


@pytest.mark.parametrize("change", EDITS.values(), ids=EDITS)
def test_an_edited_description_is_refused(saved, change):
    content = json.loads((saved / CONFIG).read_text("utf-8"))
    change(content)
    (saved / CONFIG).write_text(json.dumps(content), "utf-8")
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: does not belong to this bundle")


LABEL_EDITS = {
    "fewer labels": lambda labels: labels.pop(),
    "more labels": lambda labels: labels.append("fourth"),
    "another order": lambda labels: labels.reverse(),
}


@pytest.mark.parametrize("change", LABEL_EDITS.values(), ids=LABEL_EDITS)
def test_edited_labels_are_refused_with_both_fingerprints(bundle, saved, change):
    edited(saved / LABELS, change)
    message = str(refusal(saved))
    assert message.startswith(f"{saved / LABELS}: does not belong to this bundle")
    assert bundle.fingerprints[LABELS][:16] in message


@each_file
def test_a_part_without_a_recorded_fingerprint_is_refused(saved, name):
    edited(saved / CONFIG, lambda content: content["fingerprints"].pop(name))
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: does not belong to this bundle")


@pytest.mark.parametrize("name", ["../vocab.txt", "/etc/passwd", "a/b.txt", "..", "", ".txt", "vocab", "a.txt\n"])
def test_a_part_outside_the_folder_is_never_read(saved, name):
    edited(saved / CONFIG, lambda content: content["fingerprints"].update({name: "0" * 64}))
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: not a bundle's description")


# Damage


@each_file
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    assert str(refusal(saved)) == f"{saved / name}: no such file; the bundle is not whole"


def test_a_missing_folder_is_named(tmp_path):
    assert str(refusal(tmp_path / "none")) == f"{tmp_path / 'none' / CONFIG}: no such file; the bundle is not whole"


@each_file
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_file_cut_short_is_refused_by_name(whole, name, data):
    with copied(whole) as folder:
        content = (folder / name).read_bytes()
        end = len(content.rstrip()) if name == CONFIG else len(content)  # its line end means nothing
        (folder / name).write_bytes(content[: data.draw(st.integers(0, end - 1))])
        assert str(refusal(folder)).startswith(f"{folder / name}: ")


@each_file
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_damaged_byte_is_refused_or_changes_nothing(whole, name, data):
    with copied(whole) as folder:
        content = bytearray((folder / name).read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        (folder / name).write_bytes(content)
        try:
            again = Bundle.load(folder)
        except BundleError as error:
            message = str(error)
        else:
            message = f"{folder}/{name}: is as it was"
            assert name in (CONFIG, WEIGHTS)  # a part is the same bytes or refused
            assert again.fingerprint == Bundle.load(whole).fingerprint
        assert message.startswith(f"{folder}/")


WRONG = {
    "one class too few": lambda tensors: {**tensors, "head.bias": tensors["head.bias"][:2].clone()},
    "one tensor too few": lambda tensors: {name: tensors[name] for name in tensors if name != "head.bias"},
    "one tensor too many": lambda tensors: {**tensors, "head.extra": torch.zeros(1)},
    "transposed": lambda tensors: {**tensors, "head.weight": tensors["head.weight"].T.contiguous()},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_weights_of_a_wrong_shape_are_refused(saved, change):
    save_file(change(load_file(saved / WEIGHTS)), saved / WEIGHTS)
    assert str(refusal(saved)).startswith(f"{saved / WEIGHTS}: does not belong to this bundle")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_refused(saved, dtype):
    save_file({name: weights.to(dtype) for name, weights in load_file(saved / WEIGHTS).items()}, saved / WEIGHTS)
    assert str(refusal(saved)).startswith(f"{saved / WEIGHTS}: does not belong to this bundle")


@pytest.mark.parametrize("version", ["carousel bundle 2", None, 1])
def test_a_format_from_the_future_is_refused_with_both_formats(saved, version):
    edited(saved / CONFIG, lambda content: content.update(format=version))
    assert str(refusal(saved)).endswith(f"says format {version!r}, this version reads {FORMAT!r}")


@pytest.mark.parametrize("task", [None, 1, ["classification"]])
def test_a_task_that_is_no_name_is_refused(saved, task):
    edited(saved / CONFIG, lambda content: content.update(task=task))
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: not a bundle's description: its task")


@pytest.mark.parametrize("content", ["", "[]", "null", "{", '"text"', f'{{"format": "{FORMAT}"}}', "[" * 100_000])
def test_a_foreign_description_is_refused(saved, content):
    (saved / CONFIG).write_text(content)
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: not a bundle's description")


@pytest.mark.parametrize("config", [None, "abc", 3, [1]])
def test_a_configuration_that_is_no_table_is_refused(saved, config):
    edited(saved / CONFIG, lambda content: content.update(config=config))
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: not a bundle's description")


@pytest.mark.parametrize("fingerprints", [None, [], "abc", 3, {}, [[1, 2]], [[[], 2]]])
def test_fingerprints_that_are_no_table_are_refused(saved, fingerprints):
    edited(saved / CONFIG, lambda content: content.update(fingerprints=fingerprints))
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: ")


def test_a_part_that_is_text_is_read_as_text_and_else_named(bundle):
    assert "その他" in bundle.part(LABELS, str)
    with pytest.raises(BundleError, match=r"^bundle\.json: names no part other\.txt; the bundle is not whole$"):
        bundle.part("other.txt", str)
    with pytest.raises(BundleError, match=r"^other\.txt: damaged: not UTF-8 at byte 1$"):
        replace(bundle, parts={"other.txt": b"a\xff"}).part("other.txt", str)


# Files


def test_a_failure_while_saving_leaves_the_old_bundle(saved, monkeypatch):
    before = files(saved)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("carousel.bundle.bundle.save_file", full)  # it comes after all other files
    with pytest.raises(UserError, match="could not be written, and was left as it was: No space left"):
        make_bundle(seed=1).save(saved)
    assert files(saved) == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_saving_again_replaces_the_bundle_as_a_whole(saved):
    (saved / "stale").touch()
    other = make_bundle(seed=1)
    other.save(saved)
    assert sorted(files(saved)) == FILES
    assert Bundle.load(saved).fingerprint == other.fingerprint


def test_a_bundle_is_five_plain_files_and_none_is_a_pickle(saved):
    content = files(saved)
    assert sorted(content) == FILES
    for name in (CONFIG, TOKENIZER, LABELS):
        json.loads(content[name].decode("utf-8"))
    assert Vocabulary.from_text(content[VOCABULARY].decode("utf-8")).tokens
    # safetensors: a length, a table in JSON that accounts for every byte that follows, and nothing else
    size = int.from_bytes(content[WEIGHTS][:8], "little")
    table = json.loads(content[WEIGHTS][8 : 8 + size])
    spans = sorted(entry["data_offsets"] for entry in table.values())
    assert spans[0][0] == 0
    assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))
    assert 8 + size + spans[-1][1] == len(content[WEIGHTS])


def test_a_person_can_read_the_labels_and_the_vocabulary(saved):
    assert "その他" in (saved / LABELS).read_text("utf-8")
    assert "\n日本\n" in (saved / VOCABULARY).read_bytes().decode("utf-8")
    description = json.loads((saved / CONFIG).read_text("utf-8"))
    assert (description["format"], description["task"]) == (FORMAT, "classification")


# Dependencies


def test_reading_a_bundle_needs_no_task_and_no_model(saved):
    script = f"""
import sys
from pathlib import Path
from carousel.bundle.bundle import Bundle
Bundle.load(Path({str(saved)!r}))
print(*[name for name in sys.modules if name.startswith(("carousel.nn", "carousel.task"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
