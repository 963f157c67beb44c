import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from carousel.errors import UserError
from carousel.tasks.tagging.data import Data
from carousel.tasks.tagging.document import SCHEMA
from carousel.tasks.tagging.tagged_files import read
from tests.support.reading import put
from tests.tasks.tagging.tagged_reading import SENTENCES, sentences


def lines(written, place):
    return "".join(" ".join(sentence[place]) + "\n" for sentence in written)


def read_folder(folder, tokens, tags, intents=None, /, **data):
    put(folder, "train/seq.in", tokens)
    put(folder, "train/seq.out", tags)
    if intents is not None:
        put(folder, "train/label", intents)
    collected = read(Data(source="file", path="train", **data), folder)
    assert collected.documents.schema == SCHEMA
    assert {row.file for row in collected.rejected} <= {"train/seq.in"}
    rejected = {row.line: row.reason for row in collected.rejected}
    return collected.documents.select("tokens", "tags", "intent").rows(), rejected


@given(written=sentences)
@settings(max_examples=60, deadline=None)
def test_any_sentences_are_read_as_they_were_written(written):
    with tempfile.TemporaryDirectory() as folder:
        # at the beginning of a file, U+FEFF is a byte order mark
        found, rejected = read_folder(Path(folder), "\n" + lines(written, 0), "\n" + lines(written, 1))
    assert found == [(tokens, tags, None) for tokens, tags in written]
    assert rejected == {}


@pytest.mark.parametrize("end", ["\r\n", " \n", "\n", "  \t\r\n"])
def test_blanks_around_and_between_words_do_not_count(tmp_path, end):
    tokens, tags = (lines(SENTENCES, place).replace("\n", end).replace(" ", "  ", 3) for place in (0, 1))
    expected = [(*sentence, "x") for sentence in SENTENCES]
    assert read_folder(tmp_path, tokens + "\n", tags + "\n\n", f"x{end}" * 3) == (expected, {})
    assert read_folder(tmp_path, tokens.rstrip(), tags, f"x{end}" * 3) == (expected, {})


def test_lines_that_are_blank_in_each_file_are_skipped(tmp_path):
    assert read_folder(tmp_path, "a\n\nb\n", "O\n \nO\n", "x\n\ny\n") == (
        [(["a"], ["O"], "x"), (["b"], ["O"], "y")],
        {},
    )


@pytest.mark.parametrize(
    ("tokens", "tags", "intent", "reason"),
    [
        ("a b", "O", "x", "2 tokens, but 1 tag"),
        ("a", "O O", "x", "1 token, but 2 tags"),
        ("", "O", "x", "0 tokens, but 1 tag"),
        ("a", "", "x", "1 token, but 0 tags"),
        ("", "", "x", "no tokens"),
        ("a", "O", "", "empty intent"),
        ("a", "O", "x\0", "a NUL character in an intent"),
        ("a\u2003 \u2003", "O O", "x", "empty token (token 2 of 2)"),
        ("a", "O\u2028", "x", "a line break in a tag (tag 1 of 1)"),
    ],
)
def test_a_sentence_that_cannot_be_used_is_rejected_with_its_line_and_reason(
    tmp_path, tokens, tags, intent, reason
):
    found, rejected = read_folder(tmp_path, f"a\n{tokens}\nb\n", f"O\n{tags}\nO\n", f"x\n{intent}\ny\n")
    assert found == [(["a"], ["O"], "x"), (["b"], ["O"], "y")]
    assert rejected == {2: reason}


def test_intents_are_optional_and_can_be_ignored(tmp_path):
    put(tmp_path, "train/domain", "y\n")
    assert read_folder(tmp_path, "a\n", "O\n")[0] == [(["a"], ["O"], None)]
    assert read_folder(tmp_path, "a\n", "O\n", "x\n")[0] == [(["a"], ["O"], "x")]
    assert read_folder(tmp_path, "a\n", "O\n", "x\n", intent="domain")[0] == [(["a"], ["O"], "y")]
    assert read_folder(tmp_path, "a\n", "O\n", "x\n", intent=None)[0] == [(["a"], ["O"], None)]


def test_an_intent_may_have_spaces(tmp_path):
    assert read_folder(tmp_path, "a\n", "O\n", " play music \n")[0] == [(["a"], ["O"], "play music")]


def test_files_may_be_compressed_and_have_other_names(tmp_path):
    put(tmp_path, "train/words.gz", gzip.compress(b"a\n"))
    assert read_folder(tmp_path, "b\n", "O\n", tokens="words.gz", max_rejected=0)[0] == [(["a"], ["O"], None)]


@pytest.mark.parametrize(
    ("tags", "data", "message"),
    [
        ("O\n", {}, "train: seq.in has 2 lines, seq.out has 1; line n of each should belong to the same sentence"),
        ("O\nO\nO\n", {}, "train: seq.in has 2 lines, seq.out has 3; line n of each should belong to the same"),
        ("O\nO\n", {"intent": "intents"}, "train/intents: no such file; data.intent in params.yaml names it"),
        ("O\nO\n", {"tags": "tags"}, "train/tags: no such file; data.tags in params.yaml names it"),
        ("O\nO\n", {"format": "conll"}, "train: is a folder, and data.format is not seq"),
    ],
)
def test_files_that_are_missing_or_differ_in_length_are_refused(tmp_path, tags, data, message):
    with pytest.raises(UserError) as error:
        read_folder(tmp_path, "a\nb\n", tags, **data)
    assert str(error.value).startswith(f"{tmp_path}/{message}")
