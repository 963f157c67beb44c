import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from carousel.errors import UserError
from carousel.params import (
    TEACHER,
    UNSCORED,
    Range,
    check_searchable,
    flatten,
    hparams_from,
    load,
    load_hparams,
    replace,
    searchable,
)
from carousel.task_modules import TASKS
from carousel.tasks.classification.params import Hparams, Model, Params, Train

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "params.yaml"
KEYS = [
    f"{section}.{key}"
    for section, field in Params.model_fields.items()
    if section != "task"
    for key in field.annotation.model_fields
]
SEARCHABLE = searchable(Params)

unit = st.floats(0, 1, exclude_min=True)
models = st.builds(
    Model,
    cell=st.sampled_from(["lstm", "gru", "rnn"]),
    hidden_size=st.integers(1, 10**6),
    bidirectional=st.booleans(),
    dropout=st.floats(0, 1, exclude_max=True),
)
trains = st.builds(Train, learning_rate=unit, weight_decay=unit, clip_norm=unit, seed=st.integers(0, 2**63))
hparams = st.builds(Hparams, model=models, train=trains)

CELLS = "'lstm', 'gru', 'rnn', 'min_gru', 'min_lstm', 'qrnn', 'esn', 'reference_lstm' or 'reference_gru'"


def refused(tmp_path, content):
    """Return the message that a params.yaml with this content leads to; it is one line that names the file."""
    path = tmp_path / "params.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as error:
        load(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def values_of(chosen):
    """Return hyperparameters under their dotted names."""
    return {key: value for key, value in flatten(chosen).items() if key != "task"}


# Identities


@given(chosen=hparams)
@settings(max_examples=60, deadline=None)
def test_hparams_survive_their_file_bit_for_bit(chosen):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hparams.yaml"
        path.write_text(chosen.to_yaml(), encoding="utf-8")
        assert load_hparams(path) == chosen == hparams_from(chosen.model_dump())


@given(before=hparams, after=hparams)
@settings(max_examples=60, deadline=None)
def test_replacing_every_key_gives_the_other(before, after):
    assert replace(before, {}) == before
    assert replace(before, values_of(after)) == after


@given(chosen=hparams)
@settings(max_examples=30, deadline=None)
def test_replacing_keys_of_params_changes_these_and_nothing_else(chosen):
    params = Params()
    changed = replace(params, values_of(chosen))
    assert changed.hparams == chosen
    assert replace(changed, {key: flatten(params)[key] for key in SEARCHABLE}) == params


def test_flat_names_are_section_and_key():
    flat = flatten(Params())
    assert list(flat) == ["task", *KEYS]
    assert flat["task"] == "classification"
    assert flat["train.learning_rate"] == Params().train.learning_rate


def test_the_space_stays_one_flat_value():
    params = Params.model_validate({"sweep": {"space": {"model.cell": ["lstm", "gru"]}}})
    assert flatten(params)["sweep.space"] == {"model.cell": ["lstm", "gru"]}


def test_an_empty_file_means_the_defaults(tmp_path):
    (tmp_path / "params.yaml").write_text("")
    assert load(tmp_path / "params.yaml") == Params()


@pytest.mark.parametrize("task", TASKS)
def test_the_file_says_the_task_whose_sections_it_has(tmp_path, task):
    (tmp_path / "params.yaml").write_text(f"task: {task}\n")
    params = load(tmp_path / "params.yaml")
    assert params.task == params.hparams.task == task
    (tmp_path / "hparams.yaml").write_text(params.hparams.to_yaml())
    assert load_hparams(tmp_path / "hparams.yaml") == params.hparams


def test_the_shipped_file_names_every_key_and_no_other():
    content = YAML(typ="safe", pure=True).load(SHIPPED)
    assert content.pop("task") == "classification"
    named = [f"{section}.{key}" for section, values in content.items() for key in values]
    assert sorted(named) == sorted(KEYS)
    assert sorted(flatten(load(SHIPPED))) == sorted(["task", *KEYS])


def test_params_cannot_be_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        Params().train.epochs = 3


def test_yaml_is_the_dialect_that_dvc_reads(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("train: {learning_rate: 1e-3}\nregistry: {name: no}\n")
    params = load(path)
    assert params.train.learning_rate == 0.001
    assert params.registry.name == "no"


# Mistakes


@pytest.mark.parametrize("key", KEYS)
def test_a_misspelled_key_is_answered_with_the_real_one(tmp_path, key):
    section, name = key.split(".")
    wrong = name + name[-1]
    assert refused(tmp_path, f"{section}: {{{wrong}: 1}}") == f"{section}.{wrong}: unknown key; did you mean {key}?"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("train: {learning_rat: 1}", "train.learning_rat: unknown key; did you mean train.learning_rate?"),
        ("model: {ngram_weight: 1.5}", "model.ngram_weight: input should be less than 1, not 1.5"),
        ("model: {ngram_weight: aut}", "model.ngram_weight: input should be 'auto', not 'aut'"),
        ("model: {ngram_weight: null}", "model.ngram_weight: input should be a valid number, not None"),
        ("learning_rate: 1", "learning_rate: unknown key; did you mean train.learning_rate?"),
        ("trian: {}", "trian: unknown key; did you mean train?"),
        ("vocab: {zzzzz: 1}", "vocab.zzzzz: unknown key; known here: vocab.min_count, vocab.max_size"),
        ("zzz: 1", "zzz: unknown key; known here: task, data, split, tokenizer, "),
        ("task: translation", f"task: should be one of {', '.join(TASKS)}, not 'translation'"),
        ("task: 1", f"task: should be one of {', '.join(TASKS)}, not 1"),
        ("task:", f"task: should be one of {', '.join(TASKS)}, not None"),
        ("task: [classification]", f"task: should be one of {', '.join(TASKS)}, not ['classification']"),
        ("1: 2", "1: keys should be strings, not 1"),
        ("[1]", "the file: should be a mapping of keys to values, not [1]"),
        ("model:", "model: should be a mapping of keys to values, not None"),
        ("train: {epochs: 1.5}", "train.epochs: input should be a valid integer, not 1.5"),
        ("train: {epochs: true}", "train.epochs: input should be a valid integer, not True"),
        ("train: {epochs: -1}", "train.epochs: input should be greater than or equal to 0, not -1"),
        ("train: {learning_rate: '1'}", "train.learning_rate: input should be a valid number, not '1'"),
        ("train: {learning_rate: .nan}", "train.learning_rate: input should be less than or equal to 1, not nan"),
        ("model: {cell: lstmm}", f"model.cell: input should be {CELLS}, not 'lstmm'"),
        (
            "model: {encoder: transformer, hidden_size: 100, heads: 3}",
            "model.heads: 3 heads do not divide model.hidden_size 100: change one",
        ),
        (
            "model: {reading: chunked, chunk: 8, overlap: 8}",
            "model.overlap: chunks of 8 words cannot overlap by 8: lower it, or raise model.chunk",
        ),
        (
            "model: {reading: stateful, encoder: bag}",
            "model.reading: a bag encoder has no state to carry over: choose full or chunked",
        ),
        (
            "{encode: {truncation: none}, model: {encoder: transformer}}",
            "model.reading: a transformer's cost grows with the square of a document's length, and "
            "encode.truncation is none: set model.reading to chunked, or encode.truncation to head or head_tail",
        ),
        ("model: {dropout: 1}", "model.dropout: input should be less than 1, not 1"),
        (
            "registry: {name: a/b}",
            "registry.name: 'a/b' has '/' in it; use letters, digits, spaces and - _ . , + ( )",
        ),
        ("vectors: {file: ../glove.txt}", "vectors.file: '../glove.txt' should be a file inside that folder"),
        ("data: {splits: {train: /my/train.csv}}", "data.splits.train: '/my/train.csv' should be a file inside"),
        ("data: {path: 's3://bucket/my.csv'}", "data.path: 's3://bucket/my.csv' is a URL; download the file"),
        ("data: {path: ''}", "data.path: is empty"),
        ("promotion: {cases: 'https://host/cases.jsonl'}", "promotion.cases: 'https://host/cases.jsonl' is a URL"),
        ("baseline: {c: [0]}", "baseline.c.0: input should be greater than 0, not 0"),
        ("data: {splits: {train: a, tset: b}}", "data.splits.tset: input should be 'train', 'val' or 'test'"),
        ("data: {splits: {test: b}}", "data.splits names files but none for train"),
        ("data: {splits: {train: b}, split_column: s}", "data.splits and data.split_column both say how to split"),
        ("data: {text: 0}", "data.text: should be a column's name, or its number, counted from 1, not 0"),
        ("data: {label: -1}", "data.label: should be a column's name, or its number, counted from 1, not -1"),
        ("data: {label: true}", "data.label: should be a column's name, or its number, counted from 1, not True"),
        ("data: {label: text}", "data.text and data.label name the same column ('text'): change one"),
        ("data: {header: no}", "data.header: input should be 'auto', 'first' or 'none', not 'no'"),
        ("data: {delimiter: ';;'}", "data.delimiter: should be auto or one character"),
        ("data: {delimiter: '\"'}", "data.delimiter: should be auto or one character"),
        ("data: {encoding: utf-9}", "data.encoding: Python knows no encoding 'utf-9'"),
        ("data: {encoding: base64}", "data.encoding: Python knows no encoding 'base64'"),
        ("data: {encoding: idna}", "data.encoding: Python knows no encoding 'idna'"),
        ("data: {missing: [null]}", "data.missing: should be auto, or a list of words in quotes, not [None]"),
        ("data: {missing: none}", "data.missing: should be auto, or a list of words in quotes, not 'none'"),
        (
            "data: {compression: zip}",
            "data.compression: input should be 'auto', 'none', 'gzip', 'bz2', 'xz' or 'zstd'",
        ),
        ("split: {val_fraction: 0.5, test_fraction: 0.5}", "leave nothing to train on: lower one"),
    ],
)
def test_a_mistake_gets_one_line_that_names_the_key(tmp_path, content, message):
    assert message in refused(tmp_path, content)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("model.cel: [lstm]", "sweep.space.model.cel: unknown key; did you mean model.cell?"),
        ("foo.bar: [1]", "sweep.space.foo.bar: unknown key; known here: model.encoder, "),
        ("vocab.min_count: [1, 2]", "`dvc exp run --queue -S 'vocab.min_count=A,B'`"),
        ("model.cell: []", "sweep.space.model.cell has no choices"),
        ("model.cell: lstm", "sweep.space.model.cell: input should be a valid list, not 'lstm'"),
        ("model.cell: [lstm, gruu]", f"sweep.space.model.cell: 'gruu': Input should be {CELLS}"),
        ("model.bidirectional: [yes]", "sweep.space.model.bidirectional: 'yes': Input should be a valid boolean"),
        ("train.epochs: {low: 3, high: 1}", "sweep.space.train.epochs: low 3 is not below high 1"),
        ("train.epochs: {low: 1}", "sweep.space.train.epochs.high: field required"),
        ("train.epochs: {low: 1.5, high: 3}", "train.epochs is a whole number, so its range is, too"),
        ("train.epochs: {low: 1, high: 4, step: 0.5}", "train.epochs is a whole number, so its range is, too"),
        ("train.patience: {low: 0, high: 4}", "sweep.space.train.patience: 0.0: Input should be greater than"),
        ("train.learning_rate: {low: 0.1, high: 5}", "5.0: Input should be less than or equal to 1"),
        ("train.learning_rate: {low: 0, high: 1, log: true}", "a log range starts above 0 and has no step"),
        ("model.dropout: {low: 0, high: 0.5, step: 0}", "sweep.space.model.dropout: step must be above 0"),
    ],
)
def test_a_mistake_in_the_space_is_told_before_any_trial(tmp_path, space, message):
    assert message in refused(tmp_path, f"sweep: {{space: {{{space}}}}}")


def test_a_good_space_keeps_lists_and_ranges(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        "sweep:\n  space:\n    model.bidirectional: [true, false]\n    train.epochs: {low: 1, high: 9, step: 2}\n"
    )
    assert load(path).sweep.space == {
        "model.bidirectional": [True, False],
        "train.epochs": Range(low=1, high=9, step=2),
    }


@pytest.mark.parametrize("key", SEARCHABLE)
def test_every_model_and_train_key_can_be_searched(key):
    check_searchable(key, Params)


def test_what_validation_cannot_score_is_not_searched():
    assert {key for key in KEYS if key.split(".")[0] in ("model", "train")} - set(SEARCHABLE) == {UNSCORED, TEACHER}
    with pytest.raises(
        ValueError, match=f"^sweep.space.{UNSCORED}: a trial is scored by validation's documents, and"
    ):
        check_searchable(UNSCORED, Params)


def test_a_teacher_is_not_searched_since_trials_share_their_data():
    with pytest.raises(
        ValueError, match=rf"^sweep.space.{TEACHER}: its predictions are part of the data, which all"
    ):
        check_searchable(TEACHER, Params)


@pytest.mark.parametrize(("given", "named"), [("3", "3"), ("champion", "champion"), ("models:/a@b", "models:/a@b")])
def test_a_teacher_is_named_by_a_number_an_alias_or_an_address(given, named, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(f"train:\n  teacher: {given}\n")
    assert load(path).train.teacher == named


def test_tagging_refuses_a_teacher_in_a_line_that_names_it(tmp_path):
    path = tmp_path / "params.yaml"
    preset = (ROOT / "presets/tagging.yaml").read_text("utf-8")
    path.write_text(preset.replace("\n  teacher: ", "\n  teacher: champion "), "utf-8")
    with pytest.raises(
        UserError, match=r"^[^\n]*params.yaml: train.teacher: a model of task tagging cannot learn[^\n]*$"
    ):
        load(path)


@pytest.mark.parametrize("key", [key for key in KEYS if key not in [*SEARCHABLE, UNSCORED, TEACHER]])
def test_no_other_key_can_be_searched(key):
    with pytest.raises(
        ValueError, match=re.escape(f"sweep.space.{key}: a sweep searches model.* and train.* only")
    ):
        check_searchable(key, Params)


def test_replacing_by_a_wrong_value_is_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        replace(Params(), {"train.patience": 0})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: c: d\n", "line 2: not valid YAML: mapping values are not allowed here"),
        ("train:\n\tepochs: 1\n", "line 2: not valid YAML: found character '\\t'"),
        ("train: {epochs: 1, epochs: 2}", 'line 1: not valid YAML: found duplicate key "epochs"'),
    ],
)
def test_broken_yaml_is_told_with_its_line(tmp_path, content, message):
    assert message in refused(tmp_path, content)


def test_a_missing_file_says_what_makes_it(tmp_path):
    with pytest.raises(UserError, match=r"params.yaml: no such file; write one, or run from the project's root"):
        load(tmp_path / "params.yaml")
    with pytest.raises(UserError, match=r"hparams.yaml: no such file; `dvc repro sweep` writes it"):
        load_hparams(tmp_path / "hparams.yaml")


def test_a_file_that_is_not_utf8_says_at_which_byte(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(UserError, match=r"params.yaml: not UTF-8 \(byte 5\); save it as UTF-8"):
        load(tmp_path / "params.yaml")


def test_hparams_that_were_edited_into_something_wrong_are_refused(tmp_path):
    path = tmp_path / "hparams.yaml"
    path.write_text(Hparams(model=Model(), train=Train()).to_yaml().replace("epochs", "epoch"), encoding="utf-8")
    with pytest.raises(UserError, match=r"train.epoch: unknown key; did you mean train.epochs\?"):
        load_hparams(path)


@pytest.mark.parametrize(
    "name",
    [
        "it's", "a#b", "a?b", "team@v2", "..", ".", "...", "x" * 300, "日" * 80, " a", "a ", "-a", "a\tb", "a\nb",
        "a\0b", "%", "a%2Fb", 'a"b', "a\\b", "a/b", "a:b", "a`b", "a$b", "a*b", "🙂", "a\u200bb", "\ud800", "", " ",
    ],
)  # fmt: skip
def test_a_model_name_that_a_later_step_cannot_use_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        Params.model_validate({"registry": {"name": name}})


@pytest.mark.parametrize(
    "name",
    ["stdlib-docs", "my model", "v1.0 (test)", "a,b+c_d", "新闻标题", "हिन्दी", "Überschriften", "2024", "x" * 200],
)
def test_a_model_name_in_any_language_is_taken(name: str) -> None:
    assert Params.model_validate({"registry": {"name": name}}).registry.name == name


@pytest.mark.parametrize("file", ["params.yaml", *(f"presets/{task}.yaml" for task in TASKS)])
@pytest.mark.parametrize("override", ["train.seed=7", "promotion.floor=0.8", "sweep.storage=postgresql://u@h/d"])
def test_dvc_changes_one_line_of_a_params_file(file: str, override: str, tmp_path: Path) -> None:
    from dvc.utils.hydra import apply_overrides

    before = (ROOT / file).read_text("utf-8")
    changed = tmp_path / "params.yaml"
    changed.write_text(before, "utf-8")
    apply_overrides(changed, [override])
    lines = zip(before.splitlines(), changed.read_text("utf-8").splitlines(), strict=True)
    differing = [(old, new) for old, new in lines if old != new]
    assert len(differing) == 1
    assert [old.partition("#")[2] for old, _ in differing] == [new.partition("#")[2] for _, new in differing]
