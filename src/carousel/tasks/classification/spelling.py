"""The pieces that words are spelled with: what words of like spelling have in common."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scipy import sparse

PIECES = (2, 5)  # characters of the shortest and longest; by validation on MR and TREC


@lru_cache(maxsize=2)  # the trials of a sweep have the same words
def pieces(words: Sequence[str]) -> "sparse.csr_array":
    """Return how much of each word is which piece, (words, pieces); the squares of a word's sum to 1.

    Pieces are runs of a word's characters, its ends marked, that at least one other word has too. They are weighed
    by TF-IDF. A word of spaces has none.

    Args:
        words: a tuple.
    """
    from scipy import sparse
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    none = sparse.csr_array((len(words), 0))
    if not any(word.split() for word in words):
        return none
    counts = CountVectorizer(analyzer="char_wb", ngram_range=PIECES, lowercase=False).fit_transform(words)
    counts = counts[:, counts.count_nonzero(axis=0) > 1]
    return sparse.csr_array(TfidfTransformer().fit_transform(counts)) if counts.shape[1] else none
