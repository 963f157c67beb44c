"""Pretrained word vectors: text files of GloVe, fastText (`.vec`) and word2vec, through torchtext's own reader."""

import contextlib
import io
import ssl
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from carousel.errors import UserError
from carousel.text.vocabulary import Vocabulary

NARROWEST = 3  # numbers a word, that torchtext can tell from a header


def read(path: Path, vocabulary: Vocabulary) -> npt.NDArray[np.float32]:
    """Return the vectors of a vocabulary's words, shape (vocabulary, width); a row without one is NaN.

    The file is read a line at a time, and only lines of the vocabulary's words go to torchtext: it keeps all that
    it reads in memory, as numbers of Python.

    Raises:
        UserError: when the file is missing or damaged, or has none of the words.
    """
    from torchtext.vocab import Vectors

    # torchtext writes what it read into a pickle, and from then on no HTTPS connection checks certificates
    verified = ssl._create_default_https_context
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / path.name
        width = _select(path, vocabulary, lines)
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
                found = Vectors(str(lines), cache=folder)
        except (ValueError, RuntimeError) as error:
            raise UserError(f"{path}: not a text file of vectors, or damaged: {error}") from error
        finally:
            ssl._create_default_https_context = verified
    vectors = np.full((len(vocabulary), width), np.nan, dtype=np.float32)
    for word, row in found.stoi.items():
        vector = found.vectors[row].numpy()
        if not np.isfinite(vector).all():
            raise UserError(f"{path}: the vector of {word!r} has a number that is infinite or none at all")
        vectors[vocabulary.ids[word]] = vector
    return vectors


def coverage(vectors: npt.NDArray[np.float32], vocabulary: Vocabulary, counts: dict[str, int]) -> dict[str, float]:
    """Return the shares of the vocabulary's words, and of the counted tokens, that have a vector."""
    known = ~np.isnan(vectors[:, 0])
    tokens = sum(count for word, count in counts.items() if word in vocabulary.ids and known[vocabulary.ids[word]])
    return {
        "words": float(known.sum() / max(len(vocabulary.ids), 1)),
        "tokens": tokens / max(sum(counts.values()), 1),
    }


def _select(path: Path, vocabulary: Vocabulary, to: Path) -> int:
    """Copy the lines of a vocabulary's words, and return the width of their vectors."""
    wanted = {word.encode("utf-8", "surrogatepass") for word in vocabulary.ids}
    try:
        with path.open("rb") as lines, to.open("wb") as kept:
            first = lines.readline().rstrip().split(b" ")
            is_header = len(first) == 2 and all(field.isdigit() for field in first)
            width = int(first[1]) if is_header else len(first) - 1
            if width < NARROWEST:
                raise UserError(f"{path}: line 1: not a text file of vectors: a word and its numbers, with spaces")
            if not is_header:
                lines.seek(0)
            for number, line in enumerate(lines, 2 if is_header else 1):
                # From the right: GloVe has words with spaces in them
                word, *numbers = line.rstrip().rsplit(b" ", width)
                if word in wanted:
                    if len(numbers) != width:
                        raise UserError(
                            f"{path}: line {number}: {len(numbers)} numbers where others have {width}; the file is "
                            "damaged or was cut short: get it again"
                        )
                    kept.write(line.rstrip() + b"\n")
                    wanted.discard(word)  # the first of several lines counts
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UserError(f"{path}: no such file; vectors.file in params.yaml names it, in data/vectors") from error
    if len(wanted) == len(vocabulary.ids):
        raise UserError(
            f"{path}: has a vector for none of the vocabulary's words: is it text, of the same language, and does "
            "tokenizer.name leave words as they are there?"
        )
    return width
