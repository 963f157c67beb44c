"""The word vectors that a model begins with, and how long they stay as they are."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from carousel.errors import UserError
from carousel.files import replacing
from carousel.nn.classifier import TextClassifier
from carousel.tasks.classification import Classification
from carousel.text.vocabulary import PADDING_ID


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

    def put(self, model: TextClassifier) -> None:
        """Let a new model begin with the vectors; the other words' are drawn again, with the same deviation."""
        self.check(model.config.embedding_size)
        weight = model.embedding.weight
        known = torch.from_numpy(~np.isnan(self.vectors).any(1))
        vectors = torch.from_numpy(self.vectors)[known]
        with torch.no_grad():
            weight.normal_(std=float(vectors.std()))
            weight[PADDING_ID].zero_()
            weight[known] = vectors


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


class Frozen(Callback):
    """Keep word vectors as they are for so many epochs.

    It says so when training begins, too: one that goes on from an epoch's middle is not told of its start.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Freeze, or not."""
        assert isinstance(module, Classification)
        module.model.embedding.weight.requires_grad_(trainer.current_epoch >= self.epochs)

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Freeze, or no longer."""
        self.on_train_start(trainer, module)
