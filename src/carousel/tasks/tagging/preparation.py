"""Which sentences count as the same when duplicates are dropped and splits are made."""

import polars as pl

from carousel.corpus.split import INVISIBLE

_SEPARATOR = "\x1f"  # between tokens: the same text in other tokens has other tags


def key() -> pl.Expr:
    """Return an expression, of the column `tokens`, that is equal for sentences that count as the same.

    Unicode form (NFC or NFD) and characters that cannot be seen do not count. Case does, unlike in classification:
    it changes the tags of words (`us`, `US`; `polish`, `Polish`), and a tagger learns from it.
    """
    return pl.col("tokens").list.join(_SEPARATOR).str.replace_all(INVISIBLE, "").str.normalize("NFC")
