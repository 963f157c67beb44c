"""A bundle from a stranger costs bounded time and memory, and ends in one short line."""

import json
import os
import socket
import tracemalloc
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from carousel import predictor
from carousel.bundle import regular, weights
from carousel.bundle.bundle import CONFIG, MOST_CONFIG, MOST_PARTS, WEIGHTS, Bundle, BundleError
from carousel.errors import UserError
from carousel.tasks.classification.labels import PART as LABELS
from carousel.tasks.tagging.tags import PART as TAGS
from carousel.text.tokenizer import PART as TOKENIZER
from carousel.text.vocabulary import PART as VOCABULARY
from tests.support import forged

FILES = (CONFIG, LABELS, TOKENIZER, VOCABULARY, WEIGHTS)


def refusal(folder):
    """The line that refuses a bundle, which took no more than 64 MB of Python's memory."""
    tracemalloc.start()
    try:
        with pytest.raises(BundleError) as caught:
            predictor.load(folder)
        assert tracemalloc.get_traced_memory()[1] < 64e6
    finally:
        tracemalloc.stop()
    line = str(caught.value)
    assert len(line) <= 300
    assert line.isprintable()
    return line


@pytest.fixture(scope="module")
def kinds():
    made = {name: make() for name, make in forged.KINDS.items()}
    for bundle in made.values():
        predictor.predictor(bundle)  # what it imports is not counted
    return made


@pytest.fixture
def saved(kinds, tmp_path):
    kinds["network"].save(tmp_path / "bundle")
    return tmp_path / "bundle"


# Files


def pipe(path):
    os.mkfifo(path)


def unix_socket(path):
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def sparse(size):
    def make(path):
        with path.open("wb") as file:
            file.truncate(size)

    return make


SPECIAL = {
    "named pipe": pipe,
    "socket": unix_socket,
    "folder": lambda path: path.mkdir(),
    "link to itself": lambda path: path.symlink_to(path.name),
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "endless file of the kernel": lambda path: path.symlink_to("/proc/self/mem"),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "empty": lambda path: path.touch(),
    "sparse": sparse(2 << 30),
    "long name": lambda path: path.symlink_to("x" * 255),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
def test_only_regular_files_of_limited_size_are_read(saved, name, make):
    (saved / name).unlink()
    make(saved / name)
    assert refusal(saved).startswith(f"{saved / name}: ")


@pytest.mark.parametrize("make", [pipe, lambda path: path.symlink_to(path.name), lambda path: path.touch()])
def test_a_folder_that_is_none_is_refused(tmp_path, make):
    make(tmp_path / "bundle")
    assert refusal(tmp_path / "bundle").startswith(f"{tmp_path}/bundle/bundle.json: ")


def test_links_to_regular_files_are_read(saved, tmp_path):
    (tmp_path / "cache").mkdir()
    for file in list(saved.iterdir()):
        file.rename(tmp_path / "cache" / file.name)
        file.symlink_to(tmp_path / "cache" / file.name)
    assert predictor.load(saved).predict(["the cat"])


def test_an_unreadable_file_is_refused(saved, monkeypatch):
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert refusal(saved) == f"{saved / CONFIG}: cannot be read: Permission denied"


def test_a_file_that_is_exchanged_before_it_is_opened_is_looked_at_again(saved, monkeypatch):
    found = os.open

    def exchanged(path, flags):
        (saved / CONFIG).unlink()
        pipe(saved / CONFIG)
        return found(path, flags)

    monkeypatch.setattr(os, "open", exchanged)
    assert refusal(saved).endswith("is not a regular file")


def test_a_file_that_shrinks_while_it_is_read_is_refused(saved, monkeypatch):
    whole = regular._size
    monkeypatch.setattr(regular, "_size", lambda found, most: whole(found, most) + 1)
    assert "ended while it was read" in refusal(saved)


def test_what_was_verified_is_what_is_used(saved):
    before = predictor.load(saved)
    expected = before.predict(["the cat sat"])
    bundle = predictor.read(saved)
    with (saved / WEIGHTS).open("r+b") as file:  # in place: a map of the file would show it
        file.seek(-64, os.SEEK_END)
        file.write(bytes(64))
    assert predictor.predictor(bundle).predict(["the cat sat"]) == expected
    assert bundle.fingerprint == before.to_bundle().fingerprint
    assert "does not belong to this bundle" in refusal(saved)


def test_weights_that_were_read_lie_as_those_that_were_made_do(saved):
    for tensor in predictor.read(saved).tensors.values():
        assert tensor.data_ptr() % 64 == 0


def test_a_bundle_that_could_not_be_loaded_again_is_not_saved(kinds, tmp_path):
    meta = torch.empty(1 << 30, dtype=torch.uint8, device="meta")
    with pytest.raises(UserError, match="the weights have"):
        replace(kinds["network"], tensors={"a": meta})._check_sizes(tmp_path)
    with pytest.raises(UserError, match="a bundle holds"):
        replace(kinds["network"], parts={"a.txt": bytes(MOST_PARTS + 1)}).save(tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


# The description

DESCRIPTIONS = {
    "deep": b'{"a": ' * 50_000,
    "many": b"[" + b"[]," * 340_000 + b"[]]",
    "infinite": b'{"format": 1e400}',
    "NaN": b'{"format": NaN}',
    "half of a pair": b'{"format": "\\ud800"}',
    "a key twice": b'{"format": 1, "format": 2}',
    "digits": b'{"format": ' + b"9" * 10_000 + b"}",
    "control characters": b'{"format": "\\u001b[2J\\u0007\\t\\r\\n\\u202e"}',
    "long text": b'{"format": "' + b"x" * 900_000 + b'"}',
    "not UTF-8": b"\xff",
    "nothing": b"",
}


@pytest.mark.parametrize("content", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_a_description_of_any_kind_is_refused_in_a_line(saved, content):
    assert len(content) <= MOST_CONFIG + 50_000
    (saved / CONFIG).write_bytes(content)
    assert refusal(saved).startswith(f"{saved / CONFIG}: ")


CHANGES = {  # of a configuration that is otherwise one of a model, with fingerprints that are right
    ("network", "encoder", "layers"): [10**9, 10**30, 0, -1, 1.0, True, "1", None, [1]],
    ("network", "encoder", "hidden_size"): [0, -8, 10**9, 8.0],
    ("network", "encoder", "heads"): [0, 10**9, 4.0, False],
    ("network", "encoder", "dropout"): [-0.1, 1.5, "0", True],
    ("network", "encoder", "bidirectional"): [1, 0, "true", None],
    ("network", "encoder", "cell"): ["xlstm", 1, None, ["lstm"], {}, "\x1b[2J" * 100],
    ("network", "encoder", "name"): ["mamba", None, []],
    ("network", "encoder", "spectral_radius"): [-1.0, 1e300],
    ("network", "reading", "chunk"): [0, -1, 1.5, 10**12],
    ("network", "reading", "overlap"): [-1, True],
    ("network", "reading", "name"): ["twice", 0],
    ("network", "model", "vocabulary_size"): [10**9, 0, 12.0, 11],
    ("network", "model", "classes"): [10**9, 0, 3.0, 2],
    ("network", "model", "embedding_size"): [10**9, 0, 7],
    ("network", "model", "pooling"): ["capsules", None, 3],
    ("network", "model", "other"): [1],
    ("network", "config", "max_length"): [0, -1, 12.0, True, "12", None, 10**12],
    ("network", "config", "truncation"): ["tail", None, 1, []],
    ("network", "config", "ngrams"): [
        [],
        "",
        1,
        {"longest": 10**9},
        {"longest": 0},
        {"longest": 2, "rows": 10**12},
    ],
    ("network", "config", "model"): [None, [], {}, "model"],
    ("network", "config", "other"): [1],
    ("ensemble", "ngrams", "weight"): [2.0, -1, "0", True],
    ("ensemble", "ngrams", "alphabet"): [10**9, 1, 20.0],
    ("ensemble", "ngrams", "longest"): [10**9, 2.0, 5],
    ("tagger", "model", "tags"): [10**6, 0, 5.0],
    ("tagger", "model", "layers"): [10**9, 1.0, True],
    ("tagger", "model", "feature_rows"): [10**12, 0],
    ("tagger", "model", "crf"): [1, None],
    ("tagger", "config", "other"): [1],
}
CASES = [(kind, section, key, value) for (kind, section, key), values in CHANGES.items() for value in values]


@pytest.mark.parametrize(("kind", "section", "key", "value"), CASES, ids=lambda part: str(part)[:20])
def test_types_and_bounds_are_checked_before_anything_is_built(kinds, tmp_path, kind, section, key, value):
    bundle = kinds[kind]
    config = json.loads(json.dumps(bundle.config))
    place = {"config": config, "model": config["model"], "ngrams": config.get("ngrams")}
    place |= {name: config["model"].get(name) for name in ("encoder", "reading")}
    place[section][key] = value
    assert refusal(forged.write(replace(bundle, config=config), tmp_path)).startswith(f"{tmp_path}/")


# Weights


def test_shapes_are_compared_before_a_weight_is_read(kinds, saved, monkeypatch):
    bundle = kinds["network"]
    large = bundle.tensors | {"head.bias": torch.zeros(1_000_000)}
    forged.write(replace(bundle, tensors=large), saved)
    monkeypatch.setattr(weights, "read", lambda *_: pytest.fail("was read"))
    assert "does not fit the model" in refusal(saved)


@pytest.mark.parametrize("kind", forged.KINDS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(kinds, tmp_path, kind, value):
    bundle = kinds[kind]
    for name in [name for name, tensor in bundle.tensors.items() if tensor.is_floating_point()]:
        damaged = bundle.tensors[name].clone()
        damaged.view(-1)[-1] = value
        folder = forged.write(replace(bundle, tensors=bundle.tensors | {name: damaged}), tmp_path)
        assert "not finite" in refusal(folder)


@pytest.mark.parametrize("kind", forged.KINDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_weights_of_another_type_are_refused(kinds, tmp_path, kind, dtype):
    bundle = kinds[kind]
    for name, tensor in bundle.tensors.items():
        if tensor.dtype is not dtype:
            changed = bundle.tensors | {name: tensor.to(dtype)}
            assert "does not fit the model" in refusal(forged.write(replace(bundle, tensors=changed), tmp_path))


@pytest.mark.parametrize("name", forged.KEYS)
@pytest.mark.parametrize(
    ("row", "key"),
    [(0, 2**40), (1, 2), (0, -1), (-1, 2**40), (-2, 2**63 - 1), (-2, 2**62)],
    ids=["not sorted", "twice", "negative", "no end", "two ends", "begins with none"],
)
def test_keys_of_n_grams_that_a_search_would_not_find_are_refused(kinds, tmp_path, name, row, key):
    bundle = kinds["ensemble"]
    keys = bundle.tensors[name].clone()
    keys[row] = key
    changed = bundle.tensors | {name: keys}
    assert WEIGHTS in refusal(forged.write(replace(bundle, tensors=changed), tmp_path))


@pytest.mark.parametrize(("name", "value"), [("ngrams.counts", -1), ("ngrams.documents", -1)])
def test_counts_that_are_negative_are_refused(kinds, tmp_path, name, value):
    bundle = kinds["ensemble"]
    changed = bundle.tensors | {name: torch.full_like(bundle.tensors[name], value)}
    assert "is negative" in refusal(forged.write(replace(bundle, tensors=changed), tmp_path))


@pytest.mark.parametrize("value", [-1, 2**20, 2**31 - 1])
def test_characters_outside_of_the_alphabet_are_refused(kinds, tmp_path, value):
    bundle = kinds["ensemble"]
    spelling = torch.full_like(bundle.tensors["linear.spelling.spelling"], value)
    changed = bundle.tensors | {"linear.spelling.spelling": spelling}
    assert "alphabet" in refusal(forged.write(replace(bundle, tensors=changed), tmp_path))


@pytest.mark.parametrize("kind", forged.KINDS)
def test_a_model_that_computes_no_finite_number_says_so(kinds, tmp_path, kind):
    bundle = kinds[kind]
    large = {
        name: torch.full_like(tensor, 3e38) if tensor.is_floating_point() else tensor
        for name, tensor in bundle.tensors.items()
    }
    made = predictor.load(forged.write(replace(bundle, tensors=large), tmp_path))
    with pytest.raises(BundleError, match="not finite"):
        made.predict(["the cat"])


def table(content, data=b""):
    head = content if isinstance(content, bytes) else json.dumps(content).encode()
    return len(head).to_bytes(8, "little") + head + data


def entry(dtype="F32", shape=(1,), start=0, end=4):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


TABLES = {
    "empty": b"",
    "short": b"\1\0\0",
    "endless": (2**63).to_bytes(8, "little") + b"{}",
    "no object": table([]),
    "deep": table(b"[" * 100_000),
    "overlap": table({"a": entry(), "b": entry()}, bytes(4)),
    "gap": table({"a": entry(start=4, end=8)}, bytes(8)),
    "more": table({"a": entry()}, bytes(5)),
    "fewer": table({"a": entry()}, bytes(3)),
    "another size": table({"a": entry(shape=(2,))}, bytes(4)),
    "negative": table({"a": entry(shape=(-1, -1), end=4)}, bytes(4)),
    "float": table({"a": entry(shape=(1.0,))}, bytes(4)),
    "truth": table({"a": entry(shape=(True,))}, bytes(4)),
    "backwards": table({"a": entry(start=4, end=0)}, bytes(4)),
    "type": table({"a": entry(dtype="F8_E5M2", end=1)}, bytes(1)),
    "no type": table({"a": entry(dtype=None)}, bytes(4)),
    "dimensions": table({"a": entry(shape=(1,) * 100_000)}, bytes(4)),
    "huge": table({"a": entry(shape=(2**62, 2**62), end=4)}, bytes(4)),
    "zero and huge": table({"a": entry(shape=(0, 2**62, 2**62), end=0)}),
    "half of a pair": table(b'{"\\ud800": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', bytes(4)),
    "a name twice": table(b'{"a": 1, "a": 2}'),
    "offsets": table({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}, bytes(4)),
    "no shape": table({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, bytes(4)),
    "truth value": table({"a": entry(dtype="BOOL", end=1)}, b"\2"),
}


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES)
def test_a_table_of_weights_of_any_kind_is_refused_in_a_line(saved, content):
    (saved / WEIGHTS).write_bytes(content)
    assert refusal(saved).startswith(f"{saved / WEIGHTS}: ")
    with pytest.raises(BundleError):
        Bundle.load(saved)


def test_what_safetensors_writes_is_read(tmp_path):
    types = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16)
    types += (torch.int8, torch.uint8, torch.bool)
    tensors = {f"{t}{shape}": torch.ones(shape).to(t) for t in types for shape in ((), (0,), (3,), (2, 0), (2, 3))}
    save_file(tensors, tmp_path / "a", {"format": "pt"})
    with regular.opened(tmp_path / "a", weights.MOST_BYTES) as (file, size):
        found = weights.read(file, weights.table(file, size))
    expected = load_file(tmp_path / "a")
    assert weights.misfit(expected, found) is None
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert weights.fingerprint(found) == weights.fingerprint(expected)


# Parts

PARTS = {
    ("network", LABELS): [
        b'"abc"',
        b"[]",
        b"[1, 2, 3]",
        b'["a", "a", "b"]',
        b'["a", "b", "\\ud800"]',
        b"[" + b"[]," * 600_000 + b"[]]",
        b"[" * 200_000,
        b"\xff",
        b"",
    ],
    ("network", TOKENIZER): [
        b"{}",
        b'{"format": "carousel tokenizer 1", "name": "split", "normalization": "nfc"}',
        b'{"format": "carousel tokenizer 1", "name": "split", "normalization": [[]]}',
        b'{"format": "carousel tokenizer 1", "name": [], "normalization": []}',
        b'{"format": "carousel tokenizer 1", "name": "pattern", "normalization": []}',
        b'{"format": "carousel tokenizer 1", "name": "split", "normalization": [], "pattern": "(a+)+$"}',
        b'{"format": "carousel tokenizer 1", "name": "split", "normalization": ["(a+)+$"]}',
        b'{"format": "carousel tokenizer 1", "name": "split", "normalization": ['
        + b'"nfc",' * 100_000
        + b'"nfc"]}',
        b'{"format": "carousel tokenizer 1", "name": "bpe", "normalization": [], "model": "AAAA"}',
        b'{"format": "carousel tokenizer 1", "name": "bpe", "normalization": [], "model": ""}',
        b'{"format": "carousel tokenizer 1", "name": "bpe", "normalization": [], "model": 7}',
        b'{"format": "carousel tokenizer 1", "name": "bpe", "normalization": [], "model": "\xc3\xa4"}',
    ],
    ("network", VOCABULARY): [
        b"carousel vocabulary 1\n" + b"\n" * 1_000_001,
        b"carousel vocabulary 1\n" + b"\n" * 900_000,
        b"carousel vocabulary 1\n<pad>\n<unk>\na\na\n",
        b"carousel vocabulary 1\n<pad>\n<unk>\n",
        b"carousel vocabulary 1\n<pad>\n<unk>\na",
        b"carousel vocabulary 2\n",
        bytes(100),
        b"",
    ],
    ("tagger", TAGS): [
        b'{"tags": "abcde", "scheme": null, "intents": ["a", "b"]}',
        b'{"tags": ["a", "b", "c", "d", "e"], "scheme": null, "intents": "ab"}',
        b'{"tags": ["a", "b", "c", "d", "e"], "scheme": null, "intents": ["a", "a"]}',
        b'{"tags": ["a", "b", "c", "d", "e"], "scheme": "iobes", "intents": ["a", "b"]}',
        b'{"tags": ["I-a", "I-b", "I-c", "I-d", "I-e"], "scheme": "bio", "intents": ["a", "b"]}',
        b'{"tags": ["a", "b", "c", "d", "e"], "scheme": [], "intents": ["a", "b"]}',
        b'{"tags": {"a": 1}, "scheme": null, "intents": []}',
        b"[]",
    ],
}


@pytest.mark.parametrize(
    ("kind", "part", "content"),
    [(kind, part, content) for (kind, part), contents in PARTS.items() for content in contents],
    ids=lambda value: str(value)[:40],
)
def test_a_part_of_any_kind_is_refused_in_a_line(kinds, tmp_path, kind, part, content):
    bundle = kinds[kind]
    folder = forged.write(replace(bundle, parts=bundle.parts | {part: content}), tmp_path)
    assert part in refusal(folder)


def test_parts_are_limited_together(kinds, tmp_path):
    bundle = kinds["network"]
    parts = {f"a{i}.txt": bytes(MOST_PARTS // 4) for i in range(5)}
    assert "are the most" in refusal(forged.write(replace(bundle, parts=bundle.parts | parts), tmp_path))


def test_parts_are_limited_in_number(kinds, tmp_path):
    bundle = kinds["network"]
    parts = {f"a{i}.txt": b"" for i in range(20)}
    assert CONFIG in refusal(forged.write(replace(bundle, parts=bundle.parts | parts), tmp_path))


# Messages


@pytest.mark.parametrize("text", ["a" * 5000, "\x1b[2J\x07\t\r\n", "\ud800", "\u202e\u2028", "a" * 300])
def test_a_message_is_short_and_controls_nothing(text):
    line = str(BundleError(f"bundle.json: {text}"))
    assert len(line) <= 300
    assert line.isprintable()
    assert line.startswith("bundle.json: ")
