"""Tokenizing and encoding a column at a time, in Polars: equal to `Tokenizer.tokenize` and `Vocabulary.encode`."""

import polars as pl

from carousel.text.cut import kept
from carousel.text.subwords import Subwords
from carousel.text.tokenizer import PatternTokenizer, Tokenizer
from carousel.text.vocabulary import UNKNOWN_ID, Vocabulary


def tokens(texts: pl.Series, tokenizer: Tokenizer) -> pl.Series:
    """Return each text's tokens, `list[str]`."""
    normalized = [tokenizer.normalize(text) for text in texts]
    if isinstance(tokenizer, PatternTokenizer):
        return pl.Series("tokens", normalized, dtype=pl.String).str.extract_all(tokenizer.pattern)
    if isinstance(tokenizer, Subwords):
        return pl.Series("tokens", tokenizer.cut_all(normalized), dtype=pl.List(pl.String))
    return pl.Series("tokens", [tokenizer.cut(text) for text in normalized], dtype=pl.List(pl.String))


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


def ids(
    column: pl.Series, vocabulary: Vocabulary, max_length: int, truncation: str = "head"
) -> tuple[pl.Series, pl.Series]:
    """Encode a `list[str]` column; `text.cut` says what `max_length` and `truncation` keep of a document.

    Returns:
        The ids of all documents end to end (int32), and each document's length (int64). A document without
        tokens becomes one unknown token, so that every document has a first and a last state.
    """
    read = _cut(column, max_length, truncation)
    empty = read.list.len() == 0
    read = pl.select(pl.when(empty).then(pl.lit([vocabulary.tokens[UNKNOWN_ID]])).otherwise(read)).to_series()
    flat = read.list.explode()
    table = vocabulary.ids
    encoded = flat.replace_strict(list(table), list(table.values()), default=UNKNOWN_ID, return_dtype=pl.Int32)
    return encoded, read.list.len().cast(pl.Int64)


def _cut(column: pl.Series, max_length: int, truncation: str) -> pl.Series:
    """Cut each document of a `list[str]` column, equal to `text.cut.cut`."""
    ends = kept(max_length, truncation)
    if ends is None:
        return column
    head, tail = ends
    if not tail:
        return column.list.head(head)
    both = pl.concat_list(column.list.head(head), column.list.tail(tail))
    return pl.select(pl.when(column.list.len() > max_length).then(both).otherwise(column)).to_series()


def out_of_vocabulary(counted: pl.DataFrame, vocabulary: Vocabulary) -> float:
    """Return the fraction of counted tokens (`counts`) that the vocabulary has no id for."""
    total = int(counted["count"].sum())
    return int(unknown(counted, vocabulary)["count"].sum()) / total if total else 0.0


def unknown(counted: pl.DataFrame, vocabulary: Vocabulary) -> pl.DataFrame:
    """Return those of counted tokens (`counts`) that the vocabulary has no id for."""
    return counted.filter(~pl.col("token").is_in(list(vocabulary.ids)))
