import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.tagging.tagged_reading import SENTENCES, conll, read_file, refused, sentences, tags

GOOD = "a\tO\nb\tB-X\n\n"


@given(written=sentences)
@settings(max_examples=60, deadline=None)
def test_any_sentences_are_read_as_they_were_written_with_tabs(written):
    with tempfile.TemporaryDirectory() as folder:
        # at the beginning of a file, U+FEFF is a byte order mark
        assert read_file(Path(folder), "a.conll", b"\n" + conll(written)) == (written, {})


@given(written=sentences)
@settings(max_examples=60, deadline=None)
def test_any_sentences_are_read_as_they_were_written_with_spaces(written):
    with tempfile.TemporaryDirectory() as folder:
        # a known tag: `# x` at the beginning of a sentence is a token if x is a tag of another line
        known = [(["known"] * len(tags), tags) for _, tags in written]
        assert read_file(Path(folder), "a.conll", conll(known + written, " ")) == (known + written, {})


@given(spaced=st.lists(st.tuples(st.sampled_from(["New York", "à la", "#  1", "# O"]), tags), min_size=1))
@settings(max_examples=50, deadline=None)
def test_tokens_have_spaces_where_tabs_separate_columns(spaced):
    written = [([token for token, _ in spaced], [tag for _, tag in spaced])]
    with tempfile.TemporaryDirectory() as folder:
        assert read_file(Path(folder), "a.conll", conll(written)) == (written, {})


VARIANTS = {
    "CRLF": conll(SENTENCES, end="\r\n"),
    "spaces": conll(SENTENCES, " "),
    "spaces and CRLF": conll(SENTENCES, " ", "\r\n"),
    "several spaces": conll(SENTENCES, "   "),
    "a blank after the tag": conll(SENTENCES, end=" \n"),
    "spaces and tabs": conll(SENTENCES, " \t", "  \n"),
    "no final newline": conll(SENTENCES).rstrip(),
    "several blank lines": b"\n\n" + conll(SENTENCES).replace(b"\n\n", b"\n\n \n\t\n\n"),
    "byte order mark": b"\xef\xbb\xbf" + conll(SENTENCES),
    "UTF-16": b"\xff\xfe" + conll(SENTENCES).decode().encode("utf-16-le"),
    "document starts": b"-DOCSTART- O\n\n" + conll(SENTENCES, " ").replace(b"\n\n", b"\n\n-DOCSTART- O\n\n"),
    "document starts without blank lines": b"-DOCSTART-\tO\n" + conll(SENTENCES),
    "comments": b"# one\n" + conll(SENTENCES).replace(b"\n\n", b"\n\n# sent_id = 2\n#\tglobal.columns\tID TAG\n"),
    "comments of as many words as columns": b"# comment\n" + conll(SENTENCES, " "),
    "comments at the end": conll(SENTENCES) + b"# the end\n",
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_give_the_same_sentences(tmp_path, variant):
    assert read_file(tmp_path, "a.conll", VARIANTS[variant]) == (SENTENCES, {})


REJECTED = {
    "b\n": (1, "1 column where most lines have 2"),
    "b\tO\nc\nd\n": (2, "1 column where most lines have 2"),
    "b\tO\tO\nc\tO\n": (1, "3 columns where most lines have 2"),
    "b\tO\nNew York\n": (2, "1 column where most lines have 2"),
    "#\nb\tO\n": (1, "1 column where most lines have 2"),
    "#tag\nb\tO\n": (1, "1 column where most lines have 2"),
    "b\tO\n# not the first line\n": (2, "1 column where most lines have 2"),
    "b\tO\n\tO\n": (2, "empty token (token 2 of 2)"),
    "b\tO\n \tO\n": (2, "empty token (token 2 of 2)"),
    "b\tO\n\u2003\tO\nd\tO\n": (2, "empty token (token 2 of 3)"),
    "b\t\n": (1, "empty tag (tag 1 of 1)"),
    "b\tO\nc\0\tO\n": (2, "a NUL character in a token (token 2 of 2)"),
    "b\tO\nc\tO\0\n": (2, "a NUL character in a tag (tag 2 of 2)"),
    "b\tO\u2028O\n": (1, "a line break in a tag (tag 1 of 1)"),
}


@pytest.mark.parametrize("rows", REJECTED, ids=range(len(REJECTED)))
def test_a_sentence_that_cannot_be_used_is_rejected_with_its_line_and_reason(tmp_path, rows):
    line, reason = REJECTED[rows]
    found, rejected = read_file(tmp_path, "a.conll", f"{GOOD}{rows}\n{GOOD}")
    assert found == [(["a", "b"], ["O", "B-X"])] * 2
    assert rejected == {line + 3: reason}


FOUR = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n"


@pytest.mark.parametrize(
    ("columns", "tagged"),
    [
        ({}, ["B-ORG", "O"]),
        ({"tags": 4}, ["B-ORG", "O"]),
        ({"tags": 2}, ["NNP", "VBZ"]),
        ({"tags": 3}, ["B-NP", "B-VP"]),
    ],
)
def test_the_tag_is_in_the_last_column_or_the_one_that_is_named(tmp_path, columns, tagged):
    assert read_file(tmp_path, "eng.train", FOUR, **columns) == ([(["EU", "rejects"], tagged)], {})


def test_the_token_may_be_in_any_column(tmp_path):
    assert read_file(tmp_path, "a.txt", "1 EU B-ORG\n2 in O\n", tokens=2) == ([(["EU", "in"], ["B-ORG", "O"])], {})


@pytest.mark.parametrize(
    ("content", "data", "message"),
    [
        ("a\nb\n", {}, "has one column only ('a'); each line should have a token and a tag"),
        ("a\tO\n", {"tags": 3}, "has 2 columns, no column 3: change data.tags"),
        ("a\tO\n", {"tokens": 2}, "data.tokens and data.tags both are column 2: change one"),
        (
            "a\tO\n",
            {"tags": "upos"},
            "CoNLL has numbered columns, no names: data.tags is a number from 1 to 2, not 'upos'",
        ),
        (
            "1\ta\ta\tX\tX\t_\t0\troot\t_\t_\n",
            {},
            "looks like CoNLL-U (10 columns, the first a number): set data.format: conllu",
        ),
        ("a\tO\n", {"intent": "label"}, "conll files have no intents: set data.intent: auto, not label"),
        ("", {}, "is empty; it should have at least a token and its tag"),
        ("# only a comment\n\n", {}, "is empty; it should have at least a token and its tag"),
    ],
)
def test_a_file_without_the_columns_is_refused(tmp_path, content, data, message):
    assert refused(tmp_path, "a.conll", content, **data) == message
