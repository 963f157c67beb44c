"""How often each document has each n-gram of words and of characters, as sparse matrices.

scikit-learn's CountVectorizer counts the same n-grams, but handles each one as a Python string, which takes minutes
for 25,000 long reviews. Here n-grams are integers, and a word's characters are read once, however often it occurs.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

Ids = npt.NDArray[np.int64]

# Scripts that are written without spaces: each character counts as a word
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORD = rf"[{UNSPACED}]|[\w--[{UNSPACED}]]+"


def words(texts: pl.Series, longest: int) -> csr_matrix:
    """Count sequences of 1 to `longest` words, in lower case; shape (texts, distinct sequences).

    A word is a run of word characters, also a single one, or a character of a script without spaces.
    """
    owners, ids, _ = _pieces(texts, WORD)
    return _counts(owners, ids, 1, longest, len(texts))


def characters(texts: pl.Series, shortest: int, longest: int) -> csr_matrix:
    """Count n-grams of characters, in lower case, that do not cross white space; shape (texts, distinct n-grams).

    White space, or the begin or the end of a text, counts as one space, as in scikit-learn's `char_wb`.
    """
    owners, ids, pieces = _pieces(texts, r"\S+")
    occurrences = _counts(owners, ids, 1, 1, len(texts))
    padded = [f" {piece} " for piece in pieces]
    code_points = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.int64)
    owners = np.repeat(np.arange(len(padded)), np.array([len(piece) for piece in padded], dtype=np.int64))
    return occurrences @ _counts(owners, code_points, shortest, longest, len(padded))


def _pieces(texts: pl.Series, pattern: str) -> tuple[Ids, Ids, list[str]]:
    """Find all matches of a pattern.

    Returns:
        The row of each match's text; the id of each match, equal for equal matches; the match of each id.
    """
    found = texts.str.to_lowercase().str.extract_all(pattern)
    owners = np.repeat(np.arange(len(texts)), found.list.len().to_numpy())
    matches = found.explode().drop_nulls().rename("match")  # a text without a match gives a null
    distinct = matches.unique(maintain_order=True).to_frame().with_row_index("id")
    ids = matches.to_frame().join(distinct, on="match", how="left", maintain_order="left")["id"]
    return owners, ids.to_numpy().astype(np.int64), distinct["match"].to_list()


def _counts(owners: Ids, ids: Ids, shortest: int, longest: int, rows: int) -> csr_matrix:
    """Count runs of `shortest` to `longest` neighbouring ids that have one owner; shape (rows, distinct runs).

    Args:
        owners: the row of each id, ascending.
        ids: at least 0.
        shortest: ids in a run.
        longest: likewise.
        rows: how many owners there can be.
    """
    starts, runs = np.arange(len(ids)), ids
    row, column, columns = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
    for length in range(1, longest + 1):
        if length > 1:
            # Extend each run of the previous length by its next id, where that has the same owner
            end = starts + length - 1
            extends = end < len(ids)
            extends[extends] = owners[starts[extends]] == owners[end[extends]]
            starts, end, runs = starts[extends], end[extends], runs[extends]
            runs = runs * (ids.max(initial=0) + 1) + ids[end]
        runs = np.unique(runs, return_inverse=True)[1]  # numbered anew, so that products stay within 64 bits
        if length >= shortest:
            row.append(owners[starts])
            column.append(runs + columns)
            columns += int(runs.max(initial=-1)) + 1
    cells = (np.concatenate(row), np.concatenate(column))
    return csr_matrix((np.ones(len(cells[0]), np.float32), cells), shape=(rows, columns))
