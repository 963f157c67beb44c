"""Whether a text has any word that a model knows from its training data."""

import unicodedata
from collections.abc import Iterable, Sequence

from carousel.text.subwords import SPACE
from carousel.text.tokenizer import BYTES
from carousel.text.vocabulary import Vocabulary


def has_known_word(words: Iterable[Sequence[str]], vocabulary: Vocabulary) -> bool:
    """Return whether a vocabulary has one of a text's words, or a meaningful part of one.

    Punctuation is no word. A single letter of a longer word is no meaningful part of it, except in scripts without
    case, such as Chinese, where it may be a word.

    Args:
        words: of the text, each as its tokens (`Tokenizer.words`).
        vocabulary: of the model.
    """
    return any(
        token in vocabulary.ids and (_is_word(token) if len(word) == 1 else _is_part(token))
        for word in words
        for token in word
    )


def count_tokens(tokens: Sequence[str], vocabulary: Vocabulary) -> tuple[int, int]:
    """Return how many tokens there are, and how many of them are out of vocabulary."""
    ids = vocabulary.ids
    return len(tokens), sum(token not in ids for token in tokens)


def _is_word(token: str) -> bool:
    return any(unicodedata.category(character)[0] not in "PZC" for character in token.replace(SPACE, ""))


def _is_part(token: str) -> bool:
    if token in BYTES:
        return False
    letters = [character for character in token if character.isalnum()]
    return len(letters) > 1 or any(unicodedata.category(letter) == "Lo" for letter in letters)
