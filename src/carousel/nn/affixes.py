"""Features of a word's spelling for tagging: prefixes, suffixes and shape, hashed.

They are a function of the word alone, so an unseen word has them, too. Features that were also seen in other words
have learned vectors.
"""

import re
import zlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

LONGEST_AFFIX = 4  # characters
SIZES = range(1, LONGEST_AFFIX + 1)
NAMES = ("lowercase", *(f"prefix{n}" for n in SIZES), *(f"suffix{n}" for n in SIZES), "shape", "short_shape")
FEATURES = len(NAMES)
LOWERCASE = NAMES.index("lowercase")  # the only feature that always identifies the word

_REPEATED = re.compile(r"(.)\1+", re.DOTALL)


def spelling(word: str) -> tuple[str, ...]:
    """Return a word's features, in the order of `NAMES`.

    Affixes are those of the lowercased word, and the whole of it where it is shorter. The shape replaces uppercase
    letters by `X`, other letters by `x` and digits by `d` (Collins 2002, "Ranking algorithms for named-entity
    extraction: boosting and the voted perceptron", section 3); the short shape also merges repetitions:

        McDonald's  ->  XxXxxxxx'x  ->  XxXx'x
    """
    lowercase, shape = word.lower(), "".join(map(_kind, word))
    prefixes = (lowercase[:size] for size in SIZES)
    suffixes = (lowercase[-size:] for size in SIZES)
    return lowercase, *prefixes, *suffixes, shape, _REPEATED.sub(r"\1", shape)


def hashed(words: Iterable[str], rows: int) -> npt.NDArray[np.int32]:
    """Return each word's features as row numbers of one table that all features share, (words, FEATURES).

    The hashing trick of Weinberger et al. (2009, "Feature hashing for large scale multitask learning", section 2)
    with CRC-32, which, unlike Python's `hash`, is the same in every process.

    Args:
        words: any strings.
        rows: of the table; results are from 0 to rows - 1.

    Raises:
        ValueError: `rows` is less than 1.
    """
    if rows < 1:
        raise ValueError(f"a table of features needs at least 1 row, not {rows}")
    found = [
        [_hash(name, value) % rows for name, value in zip(NAMES, spelling(word), strict=True)] for word in words
    ]
    return np.array(found, dtype=np.int32).reshape(-1, FEATURES)


def _kind(character: str) -> str:
    """Return what stands for a character in a shape."""
    if character.isupper():
        return "X"
    if character.isalpha():
        return "x"
    return "d" if character.isdigit() else character


def _hash(name: str, value: str) -> int:
    return zlib.crc32(f"{name} {value}".encode("utf-8", "surrogatepass"))
