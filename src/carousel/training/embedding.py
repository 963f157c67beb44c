"""What a model's embedding is while it is learned: what it begins with, and what its words share."""

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback
from torch import nn

from carousel.corpus.pretrained import Pretrained
from carousel.nn.classifier import TextClassifier
from carousel.nn.spelled import SpelledEmbedding
from carousel.tasks.classification import Classification
from carousel.text.vocabulary import PADDING_ID, SPECIALS, Vocabulary
from carousel.training.spelling import pieces


def begin(model: TextClassifier, pretrained: Pretrained) -> None:
    """Let a new model begin with the vectors; the other words' are drawn again, with the same deviation.

    Raises:
        UserError: when they are of another width than the model's.
    """
    pretrained.check(model.config.embedding_size)
    weight = model.embedding.weight
    known = torch.from_numpy(~np.isnan(pretrained.vectors[:, 0]))
    vectors = torch.from_numpy(pretrained.vectors)[known]
    with torch.no_grad():
        weight.normal_(std=float(vectors.std()))
        weight[PADDING_ID].zero_()
        weight[known] = vectors


def share(model: TextClassifier, vocabulary: Vocabulary, pretrained: Pretrained | None) -> None:
    """Let words of like spelling learn together, until `fold`.

    Args:
        model: that is about to be trained.
        vocabulary: what its embedding is of.
        pretrained: vectors that it begins with, or none: their words then begin to share nothing, and learn it.
    """
    found = pieces((*[""] * len(SPECIALS), *vocabulary.tokens[len(SPECIALS) :]))
    shared = SpelledEmbedding(model.embedding, found.indptr, found.indices, found.data, found.shape[1])
    if pretrained is not None:
        nn.init.zeros_(shared.pieces.weight)
    model.embedding = shared


def fold(model: TextClassifier) -> None:
    """Make an ordinary embedding of one whose words learned together; leave another as it is."""
    if isinstance(model.embedding, SpelledEmbedding):
        model.embedding = model.embedding.folded()


class Frozen(Callback):
    """Keep word vectors as they are for so many epochs.

    It says so when training begins, too: one that goes on from an epoch's middle is not told of its start.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Freeze, or not."""
        assert isinstance(module, Classification)
        module.model.embedding.requires_grad_(trainer.current_epoch >= self.epochs)

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Freeze, or no longer."""
        self.on_train_start(trainer, module)
