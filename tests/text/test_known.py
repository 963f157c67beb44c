"""Whether a text has a word that a vocabulary knows."""

import pytest

from carousel.text.known import has_known_word
from carousel.text.subwords import KINDS, NORMALIZATION, train
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary

WORDS = Vocabulary((*SPECIALS, "the", "dog", ".", "a", "犬"))


@pytest.mark.parametrize(
    ("text", "known"),
    [("the cat", True), ("zzz", False), ("zzz.", False), ("", False), ("...", False), ("a", True), ("犬", True)],
)
def test_a_known_word_is_not_punctuation(text: str, known: bool) -> None:
    assert has_known_word(TOKENIZERS["words"].words(text), WORDS) == known


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "known"),
    [("parse this file", True), ("zzz file", True), ("zzz", False), ("日本語", False), ("", False)],
)
def test_single_letters_of_a_longer_word_are_not_known_words(kind: str, text: str, known: bool) -> None:
    texts = ["parse a file", "parse the other file", "z", "q", "parse files"] * 5
    tokenizer = train(kind, NORMALIZATION, texts, 40)
    tokens = sorted({token for each in [*texts, "z z"] for token in tokenizer.tokenize(each)} | {"z"})
    words = tokenizer.words(text)
    assert [token for word in words for token in word] == tokenizer.tokenize(text)
    assert has_known_word(words, Vocabulary((*SPECIALS, *tokens))) == known
