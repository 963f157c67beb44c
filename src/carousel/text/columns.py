"""Tokenizing and encoding a column at a time, in Polars: equal to `Tokenizer.tokenize` and `Vocabulary.encode`."""

import polars as pl

from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import UNKNOWN_ID, Vocabulary


def tokens(text: pl.Expr, tokenizer: Tokenizer) -> pl.Expr:
    """Return the expression `list[str]` of each text's tokens."""
    for separation in tokenizer.separations:
        text = text.str.replace_all(separation, "${1} ${2}")
    if tokenizer.lowercase:
        text = text.str.to_lowercase()
    for literal, replacement in tokenizer.replacements:
        text = text.str.replace_all(literal, replacement, literal=True)
    return text.str.extract_all(tokenizer.pattern)


def counts(column: pl.LazyFrame) -> pl.LazyFrame:
    """Count the tokens of a frame's `tokens` column.

    Returns:
        A frame of `token` and `count`, count descending, then token.
    """
    return (
        column.select(pl.col("tokens").list.explode().alias("token"))
        .drop_nulls()
        .group_by("token")
        .len(name="count")
        .sort("count", "token", descending=[True, False])
    )


def ids(column: pl.Series, vocabulary: Vocabulary, max_length: int) -> tuple[pl.Series, pl.Series]:
    """Encode a `list[str]` column.

    Returns:
        The ids of all documents end to end (int32), and each document's length (int64). A document without
        tokens becomes one unknown token, so that every document has a first and a last state.
    """
    heads = column.list.head(max_length)
    empty = heads.list.len() == 0
    heads = pl.select(pl.when(empty).then(pl.lit([vocabulary.tokens[UNKNOWN_ID]])).otherwise(heads)).to_series()
    flat = heads.list.explode()
    table = vocabulary.ids
    encoded = flat.replace_strict(list(table), list(table.values()), default=UNKNOWN_ID, return_dtype=pl.Int32)
    return encoded, heads.list.len().cast(pl.Int64)


def out_of_vocabulary(counted: pl.DataFrame, vocabulary: Vocabulary) -> float:
    """Return the share of counted tokens (`counts`) that the vocabulary has no id for."""
    total = int(counted["count"].sum())
    known = int(counted.filter(pl.col("token").is_in(list(vocabulary.ids)))["count"].sum())
    return 1 - known / total if total else 0.0
