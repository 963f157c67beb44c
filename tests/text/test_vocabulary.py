from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from carousel.files import write_text
from carousel.text.vocabulary import FORMAT, PADDING_ID, SPECIALS, UNKNOWN_ID, Vocabulary

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\n")
words = st.text(characters, min_size=1, max_size=6).filter(lambda word: word not in SPECIALS)
vocabularies = st.lists(words, unique=True, max_size=20).map(lambda tokens: Vocabulary((*SPECIALS, *tokens)))
counts = st.dictionaries(words | st.sampled_from(SPECIALS), st.integers(1, 6), max_size=20).map(
    lambda found: sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
)


# Identities


@given(vocabulary=vocabularies)
def test_a_vocabulary_survives_its_file(vocabulary):
    again = Vocabulary.from_text(vocabulary.to_text())
    assert again.tokens == vocabulary.tokens
    assert again.to_text() == vocabulary.to_text()
    assert again.fingerprint == vocabulary.fingerprint
    assert len(again) == len(vocabulary) == len(vocabulary.tokens)


def test_line_ends_survive_the_disk(tmp_path):
    vocabulary = Vocabulary((*SPECIALS, "\r", "a\r", "\u2028", "\x85"))
    write_text(tmp_path / "vocab.txt", vocabulary.to_text())
    assert Vocabulary.from_text((tmp_path / "vocab.txt").read_bytes().decode("utf-8")).tokens == vocabulary.tokens


@given(one=vocabularies, other=vocabularies)
def test_the_fingerprint_is_of_the_tokens(one, other):
    assert (one.fingerprint == other.fingerprint) == (one.tokens == other.tokens)


@given(vocabulary=vocabularies, tokens=st.lists(words))
def test_ids_are_the_places_of_the_tokens(vocabulary, tokens):
    tokens = [*tokens, *vocabulary.tokens[len(SPECIALS) :]]
    assume(tokens)
    ids = vocabulary.encode(tokens, len(tokens))
    assert len(ids) == len(tokens)
    for token, i in zip(tokens, ids, strict=True):
        assert vocabulary.tokens[i] == token if token in vocabulary.tokens else i == UNKNOWN_ID


# Building


@given(ordered=counts, min_count=st.integers(1, 5), max_size=st.integers(3, 25))
def test_the_most_frequent_tokens_are_kept_in_their_order(ordered, min_count, max_size):
    vocabulary = Vocabulary.build(iter(ordered), min_count=min_count, max_size=max_size)
    assert vocabulary.tokens[: len(SPECIALS)] == SPECIALS
    assert len(vocabulary) <= max_size
    kept = vocabulary.tokens[len(SPECIALS) :]
    frequent = [token for token, count in ordered if count >= min_count and token not in SPECIALS]
    assert list(kept) == frequent[: len(kept)]
    assert len(kept) == len(frequent) or len(vocabulary) == max_size


def test_order_is_count_descending_then_the_token():
    ordered = [("the", 5), ("a", 3), ("b", 3), ("z", 2), ("y", 1)]
    vocabulary = Vocabulary.build(ordered, min_count=2, max_size=100)
    assert vocabulary.tokens == ("<pad>", "<unk>", "the", "a", "b", "z")


def test_max_size_counts_the_specials():
    assert Vocabulary.build([("a", 3), ("b", 2)], min_count=1, max_size=3).tokens == ("<pad>", "<unk>", "a")


# Specials are not words


@given(vocabulary=vocabularies, tokens=st.lists(words | st.sampled_from(SPECIALS)), max_length=st.integers(1, 10))
@settings(max_examples=200)
def test_no_text_gets_the_id_of_padding_and_none_becomes_empty(vocabulary, tokens, max_length):
    ids = vocabulary.encode(tokens, max_length)
    assert PADDING_ID not in ids
    assert 1 <= len(ids) == min(max(len(tokens), 1), max_length)
    assert all(0 <= i < len(vocabulary) for i in ids)


def test_a_text_that_spells_a_special_holds_an_unknown_word():
    found = Counter({"<pad>": 9, "<unk>": 9, "a": 1})
    vocabulary = Vocabulary.build(found.most_common(), min_count=1, max_size=10)
    assert vocabulary.tokens == ("<pad>", "<unk>", "a")
    assert vocabulary.encode(["<pad>", "a", "<unk>"], 10) == [1, 2, 1]


def test_a_text_without_tokens_is_one_unknown_word():
    assert Vocabulary(SPECIALS).encode([], 10) == [UNKNOWN_ID]


# Damage


@given(vocabulary=vocabularies, data=st.data())
@settings(deadline=None)
def test_a_file_cut_short_inside_a_line_is_refused(vocabulary, data):
    content = vocabulary.to_text()
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    assume(not cut.endswith("\n"))
    with pytest.raises(ValueError, match=r"was cut short in its last line|does not begin with the line"):
        Vocabulary.from_text(cut)


@given(vocabulary=vocabularies.filter(lambda vocabulary: len(vocabulary) > len(SPECIALS)))
def test_a_file_that_lost_a_whole_line_has_another_fingerprint(vocabulary):
    rest, _, _ = vocabulary.to_text().removesuffix("\n").rpartition("\n")
    shorter = Vocabulary.from_text(f"{rest}\n")
    assert shorter.tokens == vocabulary.tokens[:-1]
    assert shorter.fingerprint != vocabulary.fingerprint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", f"does not begin with the line '{FORMAT}'"),
        ("<pad>\n<unk>\na\n", f"does not begin with the line '{FORMAT}'"),
        ("carousel vocabulary 2\n<pad>\n<unk>\n", f"does not begin with the line '{FORMAT}'"),
        (f"\ufeff{FORMAT}\n<pad>\n<unk>\n", f"does not begin with the line '{FORMAT}'"),
        (f"{FORMAT}\r\n<pad>\r\n<unk>\r\n", f"does not begin with the line '{FORMAT}'"),
        (FORMAT, "was cut short in its last line"),
        (f"{FORMAT}\n<pad>\n<unk>\na", "was cut short in its last line"),
        (f"{FORMAT}\n", "does not begin with <pad> <unk>"),
        (f"{FORMAT}\n<pad>\n", "does not begin with <pad> <unk>"),
        (f"{FORMAT}\n<unk>\n<pad>\n", "does not begin with <pad> <unk>"),
        (f"{FORMAT}\n<pad>\n<unk>\na\nb\na\n", "has a token twice"),
        (f"{FORMAT}\n<pad>\n<unk>\n<pad>\n", "has a token twice"),
        (f"{FORMAT}\n<pad>\n<unk>\na\n\nb\n", "has an empty token"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_text(content)


@given(vocabulary=vocabularies, data=st.data())
def test_a_token_twice_is_refused(vocabulary, data):
    with pytest.raises(ValueError, match="has a token twice"):
        Vocabulary((*vocabulary.tokens, data.draw(st.sampled_from(vocabulary.tokens))))


def test_an_empty_token_is_refused():
    with pytest.raises(ValueError, match="has an empty token"):
        Vocabulary([*SPECIALS, ""])


@given(tokens=st.lists(st.text("a\\nr\n\r ", min_size=1), unique=True))
def test_line_breaks_and_backslashes_survive_the_file(tokens):
    vocabulary = Vocabulary([*SPECIALS, *tokens])
    assert Vocabulary.from_text(vocabulary.to_text()).tokens == vocabulary.tokens
    assert len(vocabulary.to_text().splitlines()) == len(vocabulary) + 1


@pytest.mark.parametrize("line", ["a\\", "\\x", "\\\\\\t"])
def test_an_unknown_escape_is_refused(line):
    with pytest.raises(ValueError, match="has an unknown escape"):
        Vocabulary.from_text(f"{FORMAT}\n<pad>\n<unk>\n{line}\n")
