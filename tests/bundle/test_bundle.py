import itertools
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from carousel.bundle.bundle import CONFIG, FORMAT, TOKENIZER, VOCABULARY, WEIGHTS, Bundle, BundleError, Prediction
from carousel.nn.pooling import POOLINGS
from carousel.nn.recurrent import CELLS
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, UNKNOWN_ID, Vocabulary

FILES = sorted([CONFIG, TOKENIZER, VOCABULARY, WEIGHTS])
each_file = pytest.mark.parametrize("name", FILES)

characters = st.characters(exclude_categories=["Cs"])
words = st.lists(
    st.text(characters, min_size=1, max_size=5).filter(lambda word: "\n" not in word and word not in SPECIALS),
    unique=True,
    max_size=12,
)
label_lists = st.lists(st.text(characters, max_size=8), unique=True, min_size=1, max_size=6)
shapes = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(list(CELLS)),
        "layers": st.integers(1, 2),
        "bidirectional": st.booleans(),
        "pooling": st.sampled_from(list(POOLINGS)),
        "ngrams": st.integers(0, 2),
        "dropout": st.floats(0, 0.9),
    }
)
texts = st.lists(st.sampled_from(["the", "cat", "sat", "?!", "日本", "ça", "wombat"]), max_size=20).map(" ".join)


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


def assert_alike(found, expected):
    """The same predictions, to 1e-6."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-6)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


# Identities


@given(words=words, labels=label_lists, shape=shapes, max_length=st.integers(1, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_bundle_survives_save_and_load_bit_for_bit(make_bundle, words, labels, shape, max_length):
    bundle = make_bundle(words, labels, max_length=max_length, **shape)
    with tempfile.TemporaryDirectory() as folder:
        bundle.save(Path(folder) / "bundle")
        again = Bundle.load(Path(folder) / "bundle")
        recorded = json.loads((Path(folder) / "bundle" / CONFIG).read_text("utf-8"))
        state, expected = again.model.state_dict(), bundle.model.state_dict()
        assert list(state) == list(expected)
        for name in expected:
            assert state[name].dtype == expected[name].dtype
            assert state[name].numpy().tobytes() == expected[name].numpy().tobytes()
    assert again.model.config == bundle.model.config
    assert again.vocabulary.tokens == bundle.vocabulary.tokens
    assert (again.tokenizer, again.labels, again.max_length) == (bundle.tokenizer, tuple(labels), max_length)
    assert again.fingerprints == bundle.fingerprints == recorded["fingerprints"]
    assert again.fingerprint == bundle.fingerprint == recorded["fingerprint"]
    assert again.predict(["", *words]) == bundle.predict(["", *words])


def test_a_bundle_from_before_a_setting_existed_reads_as_its_default(bundle, saved):
    edited(saved / CONFIG, lambda content: content["model"].pop("ngrams"))
    assert Bundle.load(saved).model.config == bundle.model.config


def test_two_saves_are_the_same_bytes(bundle, tmp_path):
    for name in ("one", "other"):
        bundle.save(tmp_path / name)
    Bundle.load(tmp_path / "one").save(tmp_path / "third")
    assert files(tmp_path / "one") == files(tmp_path / "other") == files(tmp_path / "third")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({}, []),
        ({"words": ("the", "cat", "sat", "on", "mat", ".", "ça", "日本", "\r", "other")}, [VOCABULARY]),
        ({"labels": ("animal", "その他", "Möbel")}, [CONFIG]),
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
def test_the_fingerprint_changes_with_each_part_and_with_nothing_else(make_bundle, change, parts):
    one, other = make_bundle(), make_bundle(**change)
    assert [name for name in FILES if one.fingerprints[name] != other.fingerprints[name]] == parts
    assert (one.fingerprint != other.fingerprint) == bool(parts)


def test_one_bit_of_one_weight_changes_the_fingerprint(bundle):
    before = bundle.fingerprint
    with torch.no_grad():
        bias = bundle.model.head.bias
        bias[0] = torch.nextafter(bias[0], torch.tensor(torch.inf))
    assert bundle.fingerprint != before


# Prediction


@given(batch=st.lists(texts, max_size=8), shape=shapes)
@settings(max_examples=40, deadline=None)
def test_a_text_is_answered_the_same_alone_and_in_any_company(make_bundle, batch, shape):
    bundle = make_bundle(**shape)
    assert_alike(bundle.predict(batch), [bundle.predict([text])[0] for text in batch])


@given(batch=st.lists(texts, min_size=1, max_size=8), batch_tokens=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_logits_do_not_depend_on_how_documents_are_batched(make_bundle, batch, batch_tokens):
    bundle = make_bundle()
    encoded = [bundle.encode(text) for text in batch]
    torch.testing.assert_close(bundle.logits(encoded, batch_tokens), bundle.logits(encoded), rtol=0, atol=1e-6)


@given(batch=st.lists(texts, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_an_answer_is_the_most_probable_of_probabilities_that_sum_to_one(make_bundle, batch):
    bundle = make_bundle()
    for prediction in bundle.predict(batch):
        assert isinstance(prediction, Prediction)
        assert tuple(prediction.probabilities) == bundle.labels
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert (
            prediction.probability
            == max(prediction.probabilities.values())
            == prediction.probabilities[prediction.label]
        )


def test_no_texts_have_no_answers(bundle):
    assert bundle.predict([]) == []
    assert bundle.logits([]).shape == (0, 3)


@pytest.mark.parametrize("text", ["", " \n\t ", ";:", "\ud800", "<pad>", "\x00"])
def test_a_text_of_no_known_token_is_one_unknown_word(bundle, text):
    assert bundle.encode(text) == [UNKNOWN_ID]
    assert bundle.predict([text]) == bundle.predict(["wombat"])


def test_a_very_long_text_is_read_as_far_as_in_training(bundle):
    text = "the cat sat on the mat . " * 20_000
    assert len(bundle.encode(text)) == bundle.max_length
    assert bundle.predict([text]) == bundle.predict(["the cat sat on the mat . the cat sat on the"])


@pytest.mark.parametrize(
    ("truncation", "read"),
    [("head", "the cat sat on the mat . the"), ("head_tail", "the cat mat sat on the cat ."), ("none", None)],
)
def test_a_long_text_is_cut_as_the_bundle_says_also_when_loaded_again(make_bundle, tmp_path, truncation, read):
    text = "the cat sat on the mat . the mat sat on the cat ."
    make_bundle(truncation=truncation, max_length=8).save(tmp_path / "bundle")
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.encode(text) == replace(bundle, max_length=99).encode(read or text)


def test_a_way_to_cut_that_only_a_later_version_knows_is_refused(saved):
    edited(saved / CONFIG, lambda content: content.update(truncation="middle"))
    assert "truncation is 'middle', where only head, head_tail, none are known" in str(refusal(saved))


def test_documents_in_numpy_arrays_are_read_like_lists(bundle):
    lists = [[2, 3, 4], [5]]
    arrays = [np.array(ids, dtype=np.int32) for ids in lists]
    assert torch.equal(bundle.logits(arrays), bundle.logits(lists))


def test_a_bundle_is_always_in_evaluation_mode(bundle, saved):
    bundle.model.train()
    for found in (replace(bundle), Bundle.load(saved)):
        assert not any(module.training for module in found.model.modules())


# Parts of two models


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (VOCABULARY, {"words": ("on", "the", "cat", "sat", "mat", ".", "ça", "日本", "\r", "a\u2028b")}),
        (VOCABULARY, {"words": ("the", "cat")}),
        (TOKENIZER, {"tokenizer": "split"}),
        (WEIGHTS, {"seed": 1}),
        (WEIGHTS, {"cell": "gru"}),
    ],
)
def test_a_part_of_another_model_is_refused_by_name_with_both_fingerprints(
    make_bundle, bundle, saved, tmp_path, name, change
):
    other = make_bundle(**change)
    other.save(tmp_path / "other")
    (tmp_path / "other" / name).replace(saved / name)
    message = str(refusal(saved))
    assert message.startswith(f"{saved / name}: does not belong to this bundle")
    assert bundle.fingerprints[name] in message
    assert other.fingerprints[name] in message
    assert "\n" not in message


def test_the_labels_of_another_model_are_refused_with_both_fingerprints(make_bundle, bundle, saved):
    other = make_bundle(labels=("animal", "その他", "Möbel"))
    edited(saved / CONFIG, lambda content: content.update(labels=list(other.labels)))
    message = str(refusal(saved))
    assert message.startswith(f"{saved / CONFIG}: does not belong to this bundle")
    assert bundle.fingerprints[CONFIG] in message
    assert other.fingerprints[CONFIG] in message


EDITS = {
    "fewer labels": lambda content: content["labels"].pop(),
    "more labels": lambda content: content["labels"].append("fourth"),
    "labels in a string": lambda content: content.update(labels="abc"),
    "max_length": lambda content: content.update(max_length=13),
    "truncation": lambda content: content.update(truncation="none"),
    "pooling": lambda content: content["model"].update(pooling="mean"),
    "hidden_size": lambda content: content["model"].update(hidden_size=9),
    "unknown cell": lambda content: content["model"].update(cell="xlstm"),
    "no probability": lambda content: content["model"].update(dropout=7.5),
    "vocabulary_size": lambda content: content["model"].update(vocabulary_size=3),
    "fingerprint": lambda content: content.update(fingerprint="0" * 64),
    "its own fingerprint": lambda content: content["fingerprints"].update({CONFIG: "0" * 64}),
}


@pytest.mark.parametrize("change", EDITS.values(), ids=EDITS)
def test_an_edited_description_is_refused(saved, change):
    edited(saved / CONFIG, change)
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: does not belong to this bundle")


@each_file
def test_a_part_without_a_recorded_fingerprint_is_refused(saved, name):
    edited(saved / CONFIG, lambda content: content["fingerprints"].pop(name))
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: does not belong to this bundle")


def test_parts_that_do_not_fit_never_become_a_bundle(make_bundle):
    bundle = make_bundle()
    with pytest.raises(BundleError, match=r"vocab\.txt has 3 tokens, but the model embeds 12"):
        replace(bundle, vocabulary=Vocabulary((*SPECIALS, "the")))
    with pytest.raises(BundleError, match=r"bundle\.json names 2 labels, but the model has 3 classes"):
        replace(bundle, labels=("animal", "Möbel"))
    with pytest.raises(BundleError, match=r"bundle\.json names 2 labels, but the model has 3 classes"):
        replace(bundle, labels=("animal", "Möbel", "animal"))


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
def test_a_file_cut_short_is_refused_by_name(make_bundle, name, data):
    with tempfile.TemporaryDirectory() as workspace:
        folder = Path(workspace) / "bundle"
        make_bundle().save(folder)
        content = (folder / name).read_bytes()
        # the line end of a JSON file means nothing
        end = len(content.rstrip()) if name.endswith(".json") else len(content)
        (folder / name).write_bytes(content[: data.draw(st.integers(0, end - 1))])
        assert str(refusal(folder)).startswith(f"{folder / name}: ")


@each_file
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_damaged_byte_is_refused_or_changes_nothing(make_bundle, name, data):
    with tempfile.TemporaryDirectory() as workspace:
        folder = Path(workspace) / "bundle"
        bundle = make_bundle()
        bundle.save(folder)
        content = bytearray((folder / name).read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        (folder / name).write_bytes(content)
        try:
            again = Bundle.load(folder)
        except BundleError as error:
            message = str(error)
        else:
            message = f"{folder}: is as it was"
            assert again.fingerprint == bundle.fingerprint
        assert message.startswith(str(folder))


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


def test_weights_of_a_wrong_shape_are_refused_even_with_their_own_fingerprint(bundle, tmp_path):
    bundle.model.head = torch.nn.Linear(16, 3)  # half of what max and mean pooling give
    bundle.save(tmp_path)
    message = str(refusal(tmp_path))
    assert message.startswith(f"{tmp_path / WEIGHTS}: does not fit the model that {CONFIG} describes: ")
    assert "head.weight" in message
    assert "\n" not in message


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_refused(saved, dtype):
    save_file({name: weights.to(dtype) for name, weights in load_file(saved / WEIGHTS).items()}, saved / WEIGHTS)
    assert str(refusal(saved)).startswith(f"{saved / WEIGHTS}: does not belong to this bundle")


@pytest.mark.parametrize("version", ["carousel bundle 2", None, 1])
def test_a_format_from_the_future_is_refused_with_both_formats(saved, version):
    edited(saved / CONFIG, lambda content: content.update(format=version))
    assert str(refusal(saved)).endswith(f"says format {version!r}, this version reads {FORMAT!r}")


@pytest.mark.parametrize("task", ["tagging", None, 1, ["classification"]])
def test_a_bundle_of_another_task_is_refused(saved, task):
    edited(saved / CONFIG, lambda content: content.update(task=task))
    assert str(refusal(saved)).endswith(f"says task {task!r}, this version reads 'classification'")


@pytest.mark.parametrize("content", ["", "[]", "null", "{", '"text"', f'{{"format": "{FORMAT}"}}'])
def test_a_foreign_description_is_refused(saved, content):
    (saved / CONFIG).write_text(content)
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: not a bundle's description")


@pytest.mark.parametrize("fingerprints", [None, [], "abc", 3, {}])
def test_fingerprints_that_are_no_table_are_refused(saved, fingerprints):
    edited(saved / CONFIG, lambda content: content.update(fingerprints=fingerprints))
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: ")


@pytest.mark.parametrize("setting", [{"cell": "xlstm"}, {"pooling": "capsules"}])
def test_a_model_that_only_a_later_version_knows_is_refused(bundle, saved, setting):
    bundle.model.config = replace(bundle.model.config, **setting)
    bundle.save(saved)
    assert str(refusal(saved)).startswith(f"{saved / CONFIG}: describes a model that this version cannot build")


# Files


def test_a_failure_while_saving_leaves_the_old_bundle(make_bundle, saved):
    before = files(saved)
    # a lone surrogate has no UTF-8, and the vocabulary is written after two other files
    unwritable = make_bundle(words=("\ud800",))
    with pytest.raises(UnicodeEncodeError):
        unwritable.save(saved)
    assert files(saved) == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_saving_again_replaces_the_bundle_as_a_whole(make_bundle, saved):
    (saved / "stale").touch()
    other = make_bundle(seed=1)
    other.save(saved)
    assert sorted(files(saved)) == FILES
    assert Bundle.load(saved).fingerprint == other.fingerprint


def test_a_bundle_is_four_plain_files_and_none_is_a_pickle(saved):
    content = files(saved)
    assert sorted(content) == FILES
    json.loads(content[CONFIG].decode("utf-8"))
    json.loads(content[TOKENIZER].decode("utf-8"))
    assert Vocabulary.from_text(content[VOCABULARY].decode("utf-8")).tokens
    # safetensors: a length, a table in JSON that accounts for every byte that follows, and nothing else
    size = int.from_bytes(content[WEIGHTS][:8], "little")
    table = json.loads(content[WEIGHTS][8 : 8 + size])
    spans = sorted(entry["data_offsets"] for entry in table.values())
    assert spans[0][0] == 0
    assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))
    assert 8 + size + spans[-1][1] == len(content[WEIGHTS])


def test_a_person_can_read_the_labels_and_the_vocabulary(saved):
    assert "その他" in (saved / CONFIG).read_text("utf-8")
    assert "\n日本\n" in (saved / VOCABULARY).read_bytes().decode("utf-8")
    assert json.loads((saved / CONFIG).read_text("utf-8"))["format"] == FORMAT


# Its company


def test_loading_and_predicting_needs_torch_numpy_and_safetensors_alone(bundle, saved):
    script = f"""
import sys
from pathlib import Path
from carousel.bundle.bundle import Bundle
print(Bundle.load(Path({str(saved)!r})).predict(["the cat"])[0].label)
heavy = ["pytorch_lightning", "dvc", "optuna", "torchtext", "mlflow", "polars", "pandas", "pydantic", "sklearn"]
print(*[name for name in [*heavy, "torchmetrics", "matplotlib"] if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == [bundle.predict(["the cat"])[0].label, "", ""]


def test_each_tokenizer_can_be_bundled(make_bundle, tmp_path):
    for name in TOKENIZERS:
        make_bundle(tokenizer=name).save(tmp_path / name)
        assert Bundle.load(tmp_path / name).tokenizer == TOKENIZERS[name]
