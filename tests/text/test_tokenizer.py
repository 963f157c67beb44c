import dataclasses
import json
import subprocess
import sys
import unicodedata

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carousel.text import columns
from carousel.text.conventions import reference
from carousel.text.tokenizer import FORMAT, TOKENIZERS, Tokenizer

# Surrogates are not text, and Rust may know letters that are still unassigned in the running Python's Unicode
characters = st.characters(exclude_categories=["Cs", "Cn"])
pieces = ["<br />", "<BR />", "<br", "/>", '"', "'", "it's", "...", ";:", "ΑΣ", "Σ", "İ", "ẞ", "a", "A", " ", "\n"]
pieces += ["getLineNumber", "HTTPServer", "max_length", "__init__", "A1B2c3D", "XAbYCd", "IOError", "éA", "aÉ", "_"]
pieces += ["DVDs", "iPhone"]
pieces += ["\x1c", "\x1f", "\x85", "\xa0", "\u180e", "\u200b", "\u2028", "\u3000", "\ufeff", "\x00"]
texts = st.lists(st.sampled_from(pieces) | st.text(characters, max_size=6), max_size=12).map("".join)

tokenizers = st.builds(
    Tokenizer,
    name=st.text(characters),
    lowercase=st.booleans(),
    replacements=st.lists(st.tuples(st.text(characters, min_size=1), st.text(characters)), max_size=3).map(tuple),
    pattern=st.sampled_from([r"\S+", "[a-z]+", "é|\u2028", r"[^\s\x1c-\x1f]+"]),
    separations=st.lists(st.sampled_from(["([a-z])([A-Z])", "(é)(.)"]), max_size=2).map(tuple),
)

each_tokenizer = pytest.mark.parametrize("name", TOKENIZERS)


def in_polars(batch, tokenizer):
    frame = pl.DataFrame({"text": batch}, schema={"text": pl.String})
    return frame.select(columns.tokens(pl.col("text"), tokenizer)).to_series().to_list()


# One meaning in three places


@each_tokenizer
@given(batch=st.lists(texts, max_size=20))
@settings(max_examples=150, deadline=None)
@example(batch=['The "best" <br />film; 10/10!', "", "it's (so)... good?", "ΟΔΟΣ ΟΔΟΣ.", "a\x1cb\x85c\u3000d"])
@example(batch=["<br_/>"])
def test_one_text_and_a_column_give_torchtexts_tokens(name, batch):
    tokenizer, torchtexts = TOKENIZERS[name], reference(name)
    expected = [torchtexts(text) for text in batch]
    assert [tokenizer.tokenize(text) for text in batch] == expected
    assert in_polars(batch, tokenizer) == expected


@each_tokenizer
def test_they_agree_on_every_assigned_character(name):
    tokenizer, torchtexts = TOKENIZERS[name], reference(name)
    assigned = [chr(i) for i in range(sys.maxunicode) if unicodedata.category(chr(i)) not in ("Cs", "Cn", "Co")]
    batch = [f"aΣ{character}B" for character in assigned]
    expected = [torchtexts(text) for text in batch]
    assert [tokenizer.tokenize(text) for text in batch] == expected
    assert in_polars(batch, tokenizer) == expected


# Properties


@each_tokenizer
@given(text=texts)
@settings(deadline=None)
def test_no_token_is_empty_or_holds_white_space(name, text):
    assert all(token.split() == [token] for token in TOKENIZERS[name].tokenize(text))


@each_tokenizer
@given(one=texts, other=texts)
@settings(deadline=None)
def test_a_line_break_always_separates(name, one, other):
    tokenize = TOKENIZERS[name].tokenize
    assert tokenize(f"{one}\n{other}") == tokenize(one) + tokenize(other)


@each_tokenizer
@given(text=texts)
@settings(deadline=None)
def test_tokens_are_their_own_tokens(name, text):
    tokenize = TOKENIZERS[name].tokenize
    assert tokenize("\n".join(tokenize(text))) == tokenize(text)


# Examples


def test_basic_english_separates_punctuation_and_drops_quotes_and_line_breaks_of_html():
    text = 'The "best"<br />film; it\'s 10/10, (really)...'
    tokens = ["the", "best", "film", "it", "'", "s", "10/10", ",", "(", "really", ")", ".", ".", "."]
    assert TOKENIZERS["basic_english"].tokenize(text) == tokens


def test_split_keeps_everything_but_white_space():
    assert TOKENIZERS["split"].tokenize(' The "best"\t film;\n') == ["The", '"best"', "film;"]


def test_identifiers_become_their_words():
    text = (
        "HTTPServer.getLineNumber(max_length, __init__, IOError, x1Y, utf8) XMLAsset utf8Decode #ThrowbackThursday"
    )
    words = "http server . get line number ( max length , init , io error , x1y , utf8 )"
    words += " xml asset utf8 decode #throwback thursday"
    assert TOKENIZERS["english_identifiers"].tokenize(text) == words.split()


def test_names_that_are_no_identifiers_stay_whole():
    text = "iPhone eBay McDonald DVDs 3D B2B COVID19 utf8 USA"
    assert TOKENIZERS["english_identifiers"].tokenize(text) == text.lower().split()


# The file


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("basic_english", "1f77439dbed96396f9bb75167735ab05db0f052a99ba16ede6bd49d5a9f1c79e"),
        ("split", "a075a54a7d209795abc793d11a91d0245388c692069b1e0f709b1fa7c70454dd"),
    ],
)
def test_tokenizers_of_saved_bundles_keep_their_fingerprints(name, fingerprint):
    assert TOKENIZERS[name].fingerprint == fingerprint


@given(tokenizer=tokenizers)
@settings(deadline=None)
def test_a_tokenizer_survives_its_file(tokenizer):
    again = Tokenizer.from_json(tokenizer.to_json())
    assert again == tokenizer
    assert again.to_json() == tokenizer.to_json()
    assert again.fingerprint == tokenizer.fingerprint


@given(one=tokenizers, other=tokenizers)
@settings(deadline=None)
def test_the_fingerprint_is_of_the_content(one, other):
    assert (one.fingerprint == other.fingerprint) == (one == other)


@each_tokenizer
def test_each_tokenizer_bears_its_own_name_and_survives_its_file(name):
    assert TOKENIZERS[name].name == name
    assert Tokenizer.from_json(TOKENIZERS[name].to_json()) == TOKENIZERS[name]


def test_the_file_says_its_format_first():
    assert TOKENIZERS["split"].to_json().startswith('{\n  "format": "carousel tokenizer 1",\n')


@each_tokenizer
def test_a_file_cut_short_anywhere_is_refused(name):
    content = TOKENIZERS[name].to_json().rstrip()
    for end in range(len(content)):
        with pytest.raises(ValueError, match="is not valid JSON"):
            Tokenizer.from_json(content[:end])


@pytest.mark.parametrize("content", ["[]", "null", "{}", '{"format": "carousel tokenizer 2"}', '{"format": 1}'])
def test_a_foreign_file_is_refused(content):
    with pytest.raises(ValueError, match=f"does not say '{FORMAT}'"):
        Tokenizer.from_json(content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pattern": "("}, "unterminated subpattern"),
        ({"pattern": 3}, "must be string"),
        ({"replacements": 3}, "not iterable"),
        ({"replacements": [["a"]]}, "not enough values"),
        ({"separations": ["(a)"]}, "needs two groups"),
        ({"separations": ["(a"]}, "unterminated subpattern"),
        ({"surprise": 1}, "unexpected keyword argument 'surprise'"),
    ],
)
def test_a_damaged_field_is_refused(changes, message):
    content = {**json.loads(TOKENIZERS["basic_english"].to_json()), **changes}
    with pytest.raises(ValueError, match=rf"lacks or misspells a field \(.*{message}"):
        Tokenizer.from_json(json.dumps(content))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Tokenizer)][:-1])
def test_a_missing_field_is_refused_by_name(field):
    content = json.loads(TOKENIZERS["basic_english"].to_json())
    del content[field]
    with pytest.raises(ValueError, match=rf"lacks or misspells a field \(.*{field}"):
        Tokenizer.from_json(json.dumps(content))


# Its company


def test_importing_it_imports_neither_torchtext_nor_polars_nor_torch():
    script = (
        "import sys, carousel.text.tokenizer; print(*{'torchtext', 'polars', 'torch', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
