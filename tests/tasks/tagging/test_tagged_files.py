import gzip

import polars as pl
import pytest

from carousel.corpus.document import Rejected
from carousel.errors import UserError
from carousel.tasks.tagging.data import Data
from carousel.tasks.tagging.document import SCHEMA
from carousel.tasks.tagging.tagged_files import read
from tests.support.reading import put
from tests.tasks.tagging.tagged_reading import SENTENCES, WRITERS, conll, read_file, refused


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_gives_the_same_sentences(tmp_path, ending):
    assert read_file(tmp_path, f"a{ending}", WRITERS[ending](SENTENCES)) == (SENTENCES, {})


@pytest.mark.parametrize("ending", WRITERS)
def test_a_given_format_comes_before_the_name(tmp_path, ending):
    content = WRITERS[ending](SENTENCES)
    assert read_file(tmp_path, "a.v2.json", content, format=ending[1:]) == (SENTENCES, {})


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.txt", "a.tsv", "train", "a.test.annotated", "a.conll.gz"])
def test_other_endings_are_conll(tmp_path, name):
    content = conll(SENTENCES)
    assert read_file(tmp_path, name, gzip.compress(content) if name.endswith(".gz") else content) == (SENTENCES, {})


@pytest.mark.parametrize("ending", [".json", ".csv", ".xml", ".yaml"])
def test_endings_of_other_formats_are_refused(tmp_path, ending):
    assert refused(tmp_path, f"a{ending}", "a\tO\n") == (
        f"data.format auto does not know {ending} files: convert it, or set data.format"
    )


def test_the_encoding_and_the_compression_are_those_of_the_params(tmp_path):
    content = "café\tO\n".encode("cp1252")
    assert read_file(tmp_path, "a.conll", content, encoding="cp1252") == ([(["café"], ["O"])], {})
    assert refused(tmp_path, "a.conll", content).startswith("line 1: not UTF-8 (byte 0xe9); set data.encoding")
    assert refused(tmp_path, "a.conll", content, compression="xz").startswith("is not xz data")


def test_a_sentence_is_named_by_file_and_line_and_has_its_split(tmp_path):
    for name, tag in (("train.conll", "A"), ("dev.conll", "B"), ("test.conll", "C")):
        put(tmp_path, f"ner/{name}", f"\n# comment\na\t{tag}\nb\tO\n\nc\tO\n\nd\n")
    data = Data(
        source="file", path="ner", splits={"test": "test.conll", "train": "train.conll", "val": "dev.conll"}
    )
    collected = read(data, tmp_path)
    assert collected.documents.equals(
        pl.DataFrame(
            [
                (f"{name}:{line}", tokens, tags, None, split)
                for name, tag, split in (
                    ("train.conll", "A", "train"),
                    ("dev.conll", "B", "val"),
                    ("test.conll", "C", "test"),
                )
                for line, tokens, tags in ((3, ["a", "b"], [tag, "O"]), (6, ["c"], ["O"]))
            ],
            schema=SCHEMA,
            orient="row",
        )
    )
    assert collected.rejected == [
        Rejected(name, 8, "1 column where most lines have 2") for name in ("train.conll", "dev.conll", "test.conll")
    ]


def test_folders_of_seq_files_are_splits(tmp_path):
    for split in ("train", "valid", "test"):
        put(tmp_path, f"snips/{split}/seq.in", f"play {split}\n")
        put(tmp_path, f"snips/{split}/seq.out", "O B-x\n")
        put(tmp_path, f"snips/{split}/label", "PlayMusic\n")
    splits = {"train": "train", "val": "valid", "test": "test"}
    documents = read(Data(source="file", path="snips", splits=splits), tmp_path).documents
    assert documents.rows() == [
        (f"{folder}/seq.in:1", ["play", folder], ["O", "B-x"], "PlayMusic", split)
        for split, folder in splits.items()
    ]


def test_a_file_without_intents_beside_files_with_them_has_its_sentences_rejected(tmp_path):
    put(tmp_path, "d/a.jsonl", '{"tokens": ["a"], "tags": ["O"], "intent": "x"}\n')
    put(tmp_path, "d/b.jsonl", '\n{"tokens": ["a"], "tags": ["O"]}\n')
    collected = read(Data(source="file", path="d", splits={"train": "a.jsonl", "test": "b.jsonl"}), tmp_path)
    assert collected.documents["id"].to_list() == ["a.jsonl:1"]
    assert collected.rejected == [
        Rejected("b.jsonl", 2, "no intent, which other sentences have; data.intent: null ignores intents")
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"path": "nothing"}, "nothing: no such file or folder; data.path in params.yaml names it"),
        ({"path": "d"}, "d: is a folder; name its files in data.splits, or one in data.path (a.conll)"),
        ({"path": "d", "format": "conll"}, "d: is a folder, and data.format is not seq"),
        ({"path": "d", "format": "seq"}, "d/seq.in: no such file; data.tokens in params.yaml names it"),
        ({"path": "d/a.conll", "format": "seq"}, "d/a.conll: is a file; data.format: seq reads folders"),
        (
            {"path": "d/a.conll", "splits": {"train": "a"}},
            "d/a.conll: is not a folder; with data.splits, data.path is the folder of those files",
        ),
        (
            {"path": "d", "splits": {"train": "b"}},
            "d/b: no such file or folder; data.splits in params.yaml names it",
        ),
    ],
)
def test_paths_that_do_not_fit_are_refused(tmp_path, data, message):
    put(tmp_path, "d/a.conll", "a\tO\n")
    with pytest.raises(UserError) as error:
        read(Data(source="file", **data), tmp_path)
    assert str(error.value) == f"{tmp_path}/{message}"
