"""Out-of-vocabulary tokens: whether a vocabulary covers the texts of a language, and what to try if it does not."""

import polars as pl

from carousel.errors import UserError
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.text.word_boundaries import undelimited

WARNING_RATE = 0.2  # of the validation split's tokens


def check(vocabulary: Vocabulary, rate: float, counts: pl.DataFrame, tokenizer: str, limit: float) -> str | None:
    """Return a warning if many tokens are out of vocabulary.

    Args:
        vocabulary: built from the training split.
        rate: the fraction of the validation split's tokens that are out of vocabulary.
        counts: `columns.counts` of the training split, to see the script that it is written in.
        tokenizer: the name of the tokenizer.
        limit: the highest rate that is accepted.

    Raises:
        UserError: when the vocabulary is empty, or the rate is above the limit.
    """
    advice = f"set tokenizer.name: {better(tokenizer, counts)}"
    if len(vocabulary) == len(SPECIALS):
        raise UserError(
            "the vocabulary is empty: no token occurs vocab.min_count times in the training split; "
            f"{advice}, or lower vocab.min_count"
        )
    if rate > limit:
        raise UserError(
            f"{rate:.1%} of the validation split's tokens are out of vocabulary (tokenizer.name: {tokenizer}), and "
            f"vocab.max_unknown allows {limit:.0%}: {advice}, lower vocab.min_count, or raise vocab.max_unknown"
        )
    if rate > WARNING_RATE:
        return (
            f"warning: {rate:.1%} of the validation split's tokens are out of vocabulary, and a model learns "
            f"nothing from them: {advice}, or lower vocab.min_count (docs/your-language.md)"
        )
    return None


def better(tokenizer: str, counts: pl.DataFrame) -> str:
    """Return the name of a tokenizer that knows more of the same texts."""
    frequent = list(counts.head(10_000).select("token", "count").iter_rows())
    characters = sum(len(token) * count for token, count in frequent)
    without_spaces = sum(undelimited(token) * count for token, count in frequent)
    if without_spaces > characters / 2 and tokenizer not in ("words", "unigram", "bpe", "characters", "bytes"):
        return "words"
    return "unigram" if tokenizer not in ("unigram", "bpe", "characters") else "bytes"
