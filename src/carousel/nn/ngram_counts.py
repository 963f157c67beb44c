"""Which n-grams the documents that a model learns from have, and how many documents of each label have them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carousel.text.vocabulary import UNKNOWN_ID

NONE = np.iinfo(np.int64).max  # the key of the last row, which is no n-gram's

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)  # arrays cannot be compared as one
class NgramCounts:
    """A table with a row for every n-gram that enough documents have.

    An n-gram is its first words' row and its last word, so its key is one number, without a hash:

        key(w) = w                     of a word, by its id
        key(g w) = (row(g) + 1) V + w  of n-gram g and the word after it

    Rows are sorted by key. Longer n-grams have higher keys, and no more documents have one than have its beginning,
    so that each length is found by the one before (Agrawal & Srikant 1994, "Fast algorithms for mining association
    rules").

    Attributes:
        keys: (rows + 1,), ascending; the last one is `NONE`.
        counts: N(g, c), documents that have the n-gram and the label, (rows + 1, classes); zeros in the last row.
        documents: of each label, (classes,).
    """

    keys: Integers
    counts: Integers
    documents: Integers

    @property
    def rows(self) -> int:
        """N-grams."""
        return len(self.keys) - 1

    @classmethod
    def of(
        cls,
        ids: npt.NDArray[np.integer],
        offsets: Integers,
        targets: Integers,
        *,
        classes: int,
        vocabulary_size: int,
        longest: int,
        least: int = 1,
        boundary: int | None = None,
    ) -> "NgramCounts":
        """Count documents.

        Args:
            ids: token ids of all documents end to end, (tokens,).
            offsets: document i is `ids[offsets[i]:offsets[i + 1]]`, (documents + 1,).
            targets: labels, (documents,).
            classes: how many labels there are.
            vocabulary_size: V, above every id.
            longest: words of the longest n-grams.
            least: documents that have to have an n-gram. One with an unknown word is none.
            boundary: an id that n-grams may begin and end with, and not have inside.
        """
        words, ends = ids.astype(np.int64), offsets[1:]
        owners = np.repeat(np.arange(len(targets)), np.diff(offsets))  # the document of each token
        starts = np.arange(len(words))  # where n-grams begin whose first words are in the table
        prefixes = np.zeros_like(words)  # row(g) + 1 of those first words
        keys, counts, rows = [], [], 0
        for length in range(1, longest + 1):
            whole = starts + length <= ends[owners[starts]]
            starts, prefixes = starts[whole], prefixes[whole]
            last = words[starts + length - 1]
            whole = last > UNKNOWN_ID
            if boundary is not None and length > 2:
                whole &= words[starts + length - 2] != boundary
            starts, prefixes, last = starts[whole], prefixes[whole], last[whole]

            key, gram = np.unique(prefixes * vocabulary_size + last, return_inverse=True)
            # What a document has is counted once. NumPy's own unique is a hundred times slower than its sort
            having = np.sort(gram * len(targets) + owners[starts])
            having = having[np.append(True, having[1:] != having[:-1])[: len(having)]]
            having, owner = np.divmod(having, len(targets))
            enough = np.bincount(having, minlength=len(key)) >= least
            row = enough.cumsum() - 1
            cells = (row[having] * classes + targets[owner])[enough[having]]
            keys.append(key[enough])
            counts.append(np.bincount(cells, minlength=len(keys[-1]) * classes).reshape(-1, classes))

            starts, prefixes = starts[enough[gram]], (rows + row[gram] + 1)[enough[gram]]
            rows += len(keys[-1])
        return cls(
            np.append(np.concatenate(keys), NONE),
            np.concatenate([*counts, np.zeros((1, classes), dtype=np.int64)]),
            np.bincount(targets, minlength=classes),
        )
