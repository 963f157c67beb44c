"""The word vectors that a model begins with, on disk: an .npz file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from carousel.errors import UserError
from carousel.files import replacing


@dataclass(frozen=True)
class Pretrained:
    """Vectors of a vocabulary's words.

    Attributes:
        vectors: shape (vocabulary, width); a word without one has NaN.
        freeze_epochs: for so many epochs no word's vector is trained.
    """

    vectors: npt.NDArray[np.float32]
    freeze_epochs: int

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256(self.vectors.tobytes() + str(self.freeze_epochs).encode()).hexdigest()

    def check(self, embedding_size: int) -> None:
        """Raise a UserError when a model of this embedding size cannot begin with these vectors."""
        width = self.vectors.shape[1]
        if width != embedding_size:
            raise UserError(
                f"model.embedding_size is {embedding_size}, but the vectors of vectors.file have {width} numbers: "
                f"set model.embedding_size: {width}"
            )


def save(pretrained: Pretrained | None, path: Path) -> None:
    """Write what `load` reads; None is kept as well, so that a pipeline's stage always has it to write."""
    vectors = np.zeros((0, 0), np.float32) if pretrained is None else pretrained.vectors
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, vectors=vectors, freeze_epochs=0 if pretrained is None else pretrained.freeze_epochs)


def load(path: Path) -> Pretrained | None:
    """Read what `save` wrote.

    Raises:
        UserError: when the file is missing.
    """
    try:
        with np.load(path) as arrays:
            vectors, freeze_epochs = arrays["vectors"], int(arrays["freeze_epochs"])
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; `dvc repro build_vocab` makes it") from error
    return Pretrained(vectors, freeze_epochs) if len(vectors) else None
