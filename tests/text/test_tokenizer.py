import json
import subprocess
import sys
import unicodedata
from collections import Counter
from itertools import product

import polars as pl
import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carousel.text import columns, subwords, word_boundaries
from carousel.text.conventions import reference
from carousel.text.normalization import STEPS
from carousel.text.subwords import KINDS, NORMALIZATION, build, default_normalization, train
from carousel.text.tokenizer import FORMAT, TOKENIZERS, Tokenizer

# Surrogates are not text, and Rust may know letters that are still unassigned in the running Python's Unicode
characters = st.characters(exclude_categories=["Cs", "Cn"])
pieces = ["<br />", "<BR />", "<br", "/>", '"', "'", "it's", "...", ";:", "ΑΣ", "Σ", "İ", "ẞ", "a", "A", " ", "\n"]
pieces += ["getLineNumber", "HTTPServer", "max_length", "__init__", "A1B2c3D", "XAbYCd", "IOError", "éA", "aÉ", "_"]
pieces += [
    "DVDs",
    "iPhone",
    "今天",
    "ひらがな",
    "カタカナ",
    "ภาษาไทย",
    "हिन्दी",
    "한국어",
    "👍🏽",
    "🇩🇪",
    "e\u0301",
    "1,000.5",
]
pieces += ["\x1c", "\x1f", "\x85", "\xa0", "\u180e", "\u200b", "\u2028", "\u2581", "\u3000", "\ufeff", "\x00"]
texts = st.lists(st.sampled_from(pieces) | st.text(characters, max_size=6), max_size=12).map("".join)

LEARNED = ["The films were good.", "She filmed 12 good films; it's a film!", "今天天气很好", "สวัสดีชาวโลก 😀"] * 5
ALL = {**TOKENIZERS, **{kind: train(kind, NORMALIZATION, LEARNED, 400) for kind in KINDS}}
LOSSLESS = ("characters", "bytes", *KINDS)

steps = st.lists(st.sampled_from(sorted(STEPS)), max_size=4)
each_tokenizer = pytest.mark.parametrize("name", ALL)
each_convention = pytest.mark.parametrize("name", ["basic_english", "split"])
each_pattern = pytest.mark.parametrize("name", ["basic_english", "split", "words"])


def in_polars(batch, tokenizer):
    return columns.tokens(pl.Series(batch, dtype=pl.String), tokenizer).to_list()


# One meaning in every place


@each_tokenizer
@given(batch=st.lists(texts, max_size=8), normalization=st.none() | steps)
@settings(max_examples=100, deadline=None)
def test_a_column_has_the_tokens_of_each_text(name, batch, normalization):
    tokenizer = ALL[name]
    if normalization is not None and name not in KINDS:
        tokenizer = build(name, normalization, [], 0)
    assert in_polars(batch, tokenizer) == [tokenizer.tokenize(text) for text in batch]


@each_convention
@given(batch=st.lists(texts, max_size=20))
@settings(max_examples=150, deadline=None)
@example(batch=['The "best" <br />film; 10/10!', "", "it's (so)... good?", "ΟΔΟΣ ΟΔΟΣ.", "a\x1cb\x85c\u3000d"])
@example(batch=["<br_/>"])
def test_one_text_and_a_column_give_torchtexts_tokens(name, batch):
    tokenizer, torchtexts = TOKENIZERS[name], reference(name)
    expected = [torchtexts(text) for text in batch]
    assert [tokenizer.tokenize(text) for text in batch] == expected
    assert in_polars(batch, tokenizer) == expected


@pytest.mark.parametrize("name", ["basic_english", "split", "words"])
def test_one_text_and_a_column_agree_on_every_assigned_character(name):
    tokenizer = TOKENIZERS[name]
    assigned = [chr(i) for i in range(sys.maxunicode) if unicodedata.category(chr(i)) not in ("Cs", "Cn", "Co")]
    batch = [f"aΣ{character}B" for character in assigned]
    expected = [tokenizer.tokenize(text) for text in batch]
    assert in_polars(batch, tokenizer) == expected
    if name != "words":
        torchtexts = reference(name)
        assert expected == [torchtexts(text) for text in batch]


# Words are those of UAX #29, by another implementation

_UAX29 = regex.compile(r"(?wV1)\b")
written = st.lists(
    st.sampled_from(
        [*"aZéßщЖ한국ا今天ひカーกมาហख0٣९_‿ -!?¿«€%", "e\u0301", "क्\u200dष", "👍🏽", "👩\u200d👩\u200d👧", "🇩🇪🇫🇷"]
    )
    | st.sampled_from(["can't", "3.14", "1,000", "l’eau", "don''t", "x_1", "a\xadb", "\u0301", "\t", "\u3000"]),
    max_size=10,
).map("".join)


@given(text=written)
@settings(max_examples=500, deadline=None)
def test_words_are_those_of_uax_29_without_white_space(text):
    tokens = build("words", [], [], 0).tokenize(text)
    # White space is no token; the annex attaches marks to it
    expected = [word for word in ("".join(segment.split()) for segment in _UAX29.split(text)) if word]
    assert tokens == expected


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't PANIC: it's 3.14!", ["don't", "panic", ":", "it's", "3.14", "!"]),
        ("end.Start os.path a:b", ["end", ".", "start", "os", ".", "path", "a", ":", "b"]),
        ("今天天气很好", ["今", "天", "天", "气", "很", "好"]),
        ("コンピューターはひらがな", ["コンピューター", "は", "ひ", "ら", "が", "な"]),
        ("วันนี้", ["วั", "น", "นี้"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("👨\u200d👩\u200d👧 👍🏽 🇩🇪🇫🇷", ["👨\u200d👩\u200d👧", "👍🏽", "🇩🇪", "🇫🇷"]),
        ("ก\u200bข a\u200bb", ["ก", "ข", "a", "b"]),
    ],
)
def test_words(text, tokens):
    assert TOKENIZERS["words"].tokenize(text) == tokens


def test_the_pattern_is_built_once():
    assert word_boundaries.pattern() is word_boundaries.pattern()


# Lossless ones decode back


@pytest.mark.parametrize("name", LOSSLESS)
@given(text=texts)
@settings(max_examples=200, deadline=None)
def test_lossless_tokens_decode_to_the_normalized_text(name, text):
    tokenizer = ALL[name]
    assert tokenizer.decode(tokenizer.tokenize(text)) == tokenizer.normalize(text)


@pytest.mark.parametrize("name", ["characters", "bytes"])
@given(text=texts)
@settings(deadline=None)
def test_without_normalization_they_decode_to_the_text_itself(name, text):
    tokenizer = build(name, [], [], 0)
    assert tokenizer.decode(tokenizer.tokenize(text)) == text


@pytest.mark.parametrize("name", ["basic_english", "words", "split"])
def test_others_refuse_to_decode(name):
    with pytest.raises(NotImplementedError, match="do not decode back"):
        TOKENIZERS[name].decode(["a"])


# Properties


@each_tokenizer
@given(text=texts)
@settings(deadline=None)
def test_no_token_is_empty(name, text):
    assert all(ALL[name].tokenize(text))


@each_pattern
@given(text=texts)
@settings(deadline=None)
def test_no_token_of_a_pattern_holds_white_space(name, text):
    assert all(token.split() == [token] for token in TOKENIZERS[name].tokenize(text))


@each_pattern
@given(one=texts, other=texts)
@settings(deadline=None)
def test_a_line_break_always_separates(name, one, other):
    tokenize = build(name, [], [], 0).tokenize
    assert tokenize(f"{one}\n{other}") == tokenize(one) + tokenize(f"\n{other}")


# Examples


def test_basic_english_separates_punctuation_and_drops_quotes_and_line_breaks_of_html():
    text = 'The "best"<br />film; it\'s 10/10, (really)...'
    tokens = ["the", "best", "film", "it", "'", "s", "10/10", ",", "(", "really", ")", ".", ".", "."]
    assert TOKENIZERS["basic_english"].tokenize(text) == tokens


def test_split_keeps_everything_but_white_space():
    assert TOKENIZERS["split"].tokenize(' The "best"\t film;\n') == ["The", '"best"', "film;"]


def identifiers(text):
    return build("basic_english", ["split_identifiers", *default_normalization("basic_english")], [], 0).tokenize(
        text
    )


def test_identifiers_become_their_words():
    text = (
        "HTTPServer.getLineNumber(max_length, __init__, IOError, x1Y, utf8) XMLAsset utf8Decode #ThrowbackThursday"
    )
    words = "http server . get line number ( max length , init , io error , x1y , utf8 )"
    words += " xml asset utf8 decode #throwback thursday"
    assert identifiers(text) == words.split()


def test_names_that_are_no_identifiers_stay_whole():
    text = "iPhone eBay McDonald DVDs 3D B2B COVID19 utf8 USA"
    assert identifiers(text) == text.lower().split()


# The file


@each_tokenizer
@given(normalization=steps)
@settings(deadline=None, max_examples=20)
def test_a_tokenizer_survives_its_file(name, normalization):
    fields = {**json.loads(ALL[name].to_json()), "normalization": normalization}
    tokenizer = Tokenizer.from_json(json.dumps(fields))
    again = Tokenizer.from_json(tokenizer.to_json())
    assert again == tokenizer
    assert again.to_json() == tokenizer.to_json()
    assert again.fingerprint == tokenizer.fingerprint
    assert (tokenizer.fingerprint == ALL[name].fingerprint) == (tuple(normalization) == ALL[name].normalization)


def test_fingerprints_differ():
    assert len({tokenizer.fingerprint for tokenizer in ALL.values()}) == len(ALL)


@each_tokenizer
def test_each_tokenizer_bears_its_own_name(name):
    assert ALL[name].name == name


def test_the_file_says_its_format_first():
    assert TOKENIZERS["split"].to_json().startswith('{\n  "format": "carousel tokenizer 1",\n')


@each_tokenizer
def test_a_file_cut_short_anywhere_is_refused(name):
    content = ALL[name].to_json().rstrip()
    for end in range(0, len(content), max(1, len(content) // 300)):
        with pytest.raises(ValueError, match="is not valid JSON"):
            Tokenizer.from_json(content[:end])


@pytest.mark.parametrize("content", ["[]", "null", "{}", '{"format": "carousel tokenizer 2"}', '{"format": 1}'])
def test_a_foreign_file_is_refused(content):
    with pytest.raises(ValueError, match=f"does not say '{FORMAT}'"):
        Tokenizer.from_json(content)


def test_deeply_nested_json_is_refused():
    with pytest.raises(ValueError, match="is not valid JSON"):
        Tokenizer.from_json("[" * 100_000)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("words", {"name": "word"}, "'word'"),
        ("words", {"name": ["words"]}, "unhashable"),
        ("words", {"normalization": ["nfd"]}, "'nfd' is not one of nfc"),
        ("words", {"normalization": [["nfc"]]}, "is not one of|unhashable"),
        ("words", {"normalization": 3}, "not iterable"),
        ("words", {"pattern": "(a+)+$"}, "unknown field 'pattern'"),
        ("unigram", {"model": "?"}, "model is damaged"),
        ("unigram", {"model": "AAAA"}, "model is damaged"),
        ("unigram", {"model": 3}, "model is damaged"),
        ("unigram", {"surprise": 1}, "unknown field 'surprise'"),
    ],
)
def test_a_damaged_field_is_refused(name, changes, message):
    content = {**json.loads(ALL[name].to_json()), **changes}
    with pytest.raises(ValueError, match=rf"lacks or misspells a field \(.*({message})"):
        Tokenizer.from_json(json.dumps(content))


@pytest.mark.parametrize(("name", "field"), [("words", "name"), ("words", "normalization"), ("bpe", "model")])
def test_a_missing_field_is_refused_by_name(name, field):
    content = json.loads(ALL[name].to_json())
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_subword_that_the_training_texts_have_once_is_cut_into_smaller_ones(kind, monkeypatch):
    words = ["".join(letters) for letters in product("bdgkmprstv", "aeiou", "lnx", "aeo")]
    texts = [" ".join(words[at : at + 3]) for at in range(0, len(words), 2)]
    monkeypatch.setattr(subwords, "LEAST", 1)
    every = Counter(token for text in texts for token in train(kind, NORMALIZATION, texts, 600).tokenize(text))
    monkeypatch.setattr(subwords, "LEAST", 2)
    tokenizer = train(kind, NORMALIZATION, texts, 600)
    rare = {token for token, count in every.items() if count == 1 and len(token) > 1}
    assert rare
    left = {token for text in texts for token in tokenizer.tokenize(text)}
    assert not left & rare
    assert all(tokenizer.decode(tokenizer.tokenize(text)) == text for text in texts)
