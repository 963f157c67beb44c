import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.tasks.tagging.tagged_reading import SENTENCES, conllu, read_file, refused, sentences


def word(number, form="a", upos="X", feats="_"):
    return f"{number}\t{form}\tlemma\t{upos}\tXP\t{feats}\t0\troot\t_\t_\n"


GOOD = f"# sent_id = 1\n{word(1)}{word(2)}\n"


@given(written=sentences)
@settings(max_examples=60, deadline=None)
def test_any_sentences_are_read_as_they_were_written(written):
    if all(token == "_" for tokens, _ in written for token in tokens):
        return
    with tempfile.TemporaryDirectory() as folder:
        assert read_file(Path(folder), "a.conllu", conllu(written)) == (written, {})


VARIANTS = {
    "CRLF": conllu(SENTENCES).replace(b"\n", b"\r\n"),
    "no final newline": conllu(SENTENCES).rstrip(),
    "several blank lines": b"\n" + conllu(SENTENCES).replace(b"\n\n", b"\n\n\n"),
    "byte order mark": b"\xef\xbb\xbf" + conllu(SENTENCES),
    "multiword token": conllu(SENTENCES).replace(b"1\tIn", b"1-2\tInNew\t_\t_\t_\t_\t_\t_\t_\t_\n1\tIn"),
    "empty node first": conllu(SENTENCES).replace(b"1\tIn", b"0.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n1\tIn"),
    "empty node": conllu(SENTENCES).replace(b"2\tNew", b"1.10\tx\t_\t_\t_\t_\t_\t_\t_\t_\n2\tNew"),
    "comment in a sentence": conllu(SENTENCES).replace(b"2\tNew", b"# x\n2\tNew"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_give_the_same_sentences(tmp_path, variant):
    assert read_file(tmp_path, "a.conllu", VARIANTS[variant]) == (SENTENCES, {})


REJECTED = {
    word(1).replace("\t_\n", "\n"): (1, "9 columns, separated by tabs, where CoNLL-U has 10"),
    word(1).replace("\t", " "): (1, "1 column, separated by tabs, where CoNLL-U has 10"),
    word("x"): (1, "id 'x' is not a number"),
    word("²"): (1, "id '²' is not a number"),
    word(2): (1, "id 2 where 1 should follow"),
    word(1) + word(3): (2, "id 3 where 2 should follow"),
    word(1) + word(1): (2, "id 1 where 2 should follow: a blank line may be missing"),
    word(1) + word(2, upos="_") + word(3): (2, "upos is _, a missing value"),
    word(1) + word(2, form=""): (2, "empty token (token 2 of 2)"),
    word(1) + word(2, form="a\0"): (2, "a NUL character in a token (token 2 of 2)"),
    word(1) + word(2, upos=" "): (2, "empty tag (tag 2 of 2)"),
}


@pytest.mark.parametrize("rows", REJECTED, ids=range(len(REJECTED)))
def test_a_sentence_that_cannot_be_used_is_rejected_with_its_line_and_reason(tmp_path, rows):
    line, reason = REJECTED[rows]
    found, rejected = read_file(tmp_path, "a.conllu", f"{GOOD}{rows}\n{GOOD}")
    assert found == [(["a", "a"], ["X", "X"])] * 2
    assert rejected == {line + 4: reason}


@pytest.mark.parametrize(
    ("column", "tag"), [("upos", "X"), ("xpos", "XP"), ("UPOS", "X"), (5, "XP"), ("feats", "_"), ("deprel", "root")]
)
def test_the_tag_is_any_field(tmp_path, column, tag):
    assert read_file(tmp_path, "a.conllu", word(1), tags=column) == ([(["a"], [tag])], {})


def test_words_with_spaces_and_the_lemma_as_the_token(tmp_path):
    assert read_file(tmp_path, "a.conllu", word(1, "à la")) == ([(["à la"], ["X"])], {})
    assert read_file(tmp_path, "a.conllu", word(1), tokens="lemma") == ([(["lemma"], ["X"])], {})


@pytest.mark.parametrize(
    ("content", "data", "message"),
    [
        (
            word(1),
            {"tags": "pos"},
            "CoNLL-U has no column 'pos'; data.tags is one of id, form, lemma, upos, xpos, feats, head, deprel, "
            "deps, misc",
        ),
        (
            word(1, "_"),
            {},
            "every word is _: the treebank is published without its text; its documentation says how to add it",
        ),
        ("# newdoc\n\n", {}, "is empty; it should have at least a token and its tag"),
        (word(1), {"intent": "label"}, "conllu files have no intents: set data.intent: auto, not label"),
    ],
)
def test_a_file_that_lacks_its_words_or_a_column_is_refused(tmp_path, content, data, message):
    assert refused(tmp_path, "a.conllu", content, **data) == message


def test_an_underscore_is_a_word_among_others(tmp_path):
    assert read_file(tmp_path, "a.conllu", word(1) + word(2, "_")) == ([(["a", "_"], ["X", "X"])], {})
