from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.text import columns
from carousel.text.cut import TRUNCATIONS
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import UNKNOWN_ID, Vocabulary

characters = st.characters(exclude_categories=["Cs", "Cn"])
words = st.sampled_from(["a", "b", "the", "é", "z", "<pad>", "<unk>", "😀"]) | st.text(
    characters, min_size=1, max_size=3
)
documents = st.lists(st.lists(words, max_size=8), max_size=12)
known = st.lists(words.filter(lambda word: word not in ("<pad>", "<unk>")), unique=True)
vocabularies = known.map(lambda tokens: Vocabulary(["<pad>", "<unk>", *tokens]))


def column(lists):
    return pl.Series("tokens", lists, dtype=pl.List(pl.String))


def counted(lists):
    return columns.counts(column(lists).to_frame().lazy()).collect()


def ids(lists, vocabulary, max_length, truncation="head"):
    """Return the ids of each document, cut apart again by the lengths."""
    flat, lengths = columns.ids(column(lists), vocabulary, max_length, truncation)
    assert (flat.dtype, lengths.dtype) == (pl.Int32, pl.Int64)
    assert len(flat) == lengths.sum()
    ends = lengths.cum_sum().to_list()
    return [flat.to_list()[end - length : end] for end, length in zip(ends, lengths.to_list(), strict=True)]


@given(
    lists=documents, vocabulary=vocabularies, max_length=st.integers(1, 10), truncation=st.sampled_from(TRUNCATIONS)
)
@settings(max_examples=150, deadline=None)
def test_a_columns_ids_are_each_documents_ids(lists, vocabulary, max_length, truncation):
    expected = [vocabulary.encode(tokens, max_length, truncation) for tokens in lists]
    assert ids(lists, vocabulary, max_length, truncation) == expected


@given(texts=st.lists(st.text(characters), max_size=10), max_length=st.integers(1, 10))
@settings(max_examples=50, deadline=None)
def test_a_column_of_text_becomes_the_ids_that_predicting_one_text_gives(texts, max_length):
    tokenizer = TOKENIZERS["basic_english"]
    tokens = columns.tokens(pl.Series(texts, dtype=pl.String), tokenizer).alias("tokens").to_frame()
    vocabulary = Vocabulary.build(columns.counts(tokens.lazy()).collect().iter_rows(), min_count=1, max_size=100)
    expected = [vocabulary.encode(tokenizer.tokenize(text), max_length) for text in texts]
    assert ids(tokens["tokens"].to_list(), vocabulary, max_length) == expected


@given(lists=documents)
@settings(deadline=None)
def test_counts_are_descending_and_then_in_order_of_the_token(lists):
    found = Counter(token for tokens in lists for token in tokens)
    assert counted(lists).rows() == sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


@given(lists=documents, vocabulary=vocabularies)
@settings(deadline=None)
def test_out_of_vocabulary_is_the_share_of_tokens_that_become_unknown(lists, vocabulary):
    unknown = [vocabulary.encode([token], 1) == [UNKNOWN_ID] for tokens in lists for token in tokens]
    share = sum(unknown) / max(len(unknown), 1)
    assert columns.out_of_vocabulary(counted(lists), vocabulary) == pytest.approx(share)


def test_a_document_without_tokens_is_one_unknown_word():
    vocabulary = Vocabulary(["<pad>", "<unk>", "a"])
    assert ids([[], ["a"], []], vocabulary, 5) == [[1], [2], [1]]
    assert ids([[]], vocabulary, 5) == [[1]]


def test_a_long_document_keeps_its_first_tokens():
    vocabulary = Vocabulary(["<pad>", "<unk>", "a", "b"])
    assert ids([["a", "b", "a"], ["b"]], vocabulary, 2) == [[2, 3], [3]]


def test_words_that_spell_a_special_are_unknown_and_counted_as_such():
    vocabulary = Vocabulary(["<pad>", "<unk>", "a"])
    assert ids([["<pad>", "<unk>", "a"]], vocabulary, 5) == [[1, 1, 2]]
    assert columns.out_of_vocabulary(counted([["<pad>", "<unk>", "a", "a"]]), vocabulary) == 0.5


def test_nothing_counted_is_nothing_unknown():
    assert columns.out_of_vocabulary(counted([[], []]), Vocabulary(["<pad>", "<unk>"])) == 0.0
