"""Pretrained word vectors in a model that is about to be trained."""

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback
from torch import nn

from carousel.corpus.pretrained import Pretrained
from carousel.text.vocabulary import PADDING_ID
from carousel.training.learner import Learner


def begin(embedding: nn.Embedding, pretrained: Pretrained) -> None:
    """Let a new embedding begin with the vectors; the other words' are drawn again, with the same deviation.

    Raises:
        UserError: when they are of another width than the model's.
    """
    pretrained.check(embedding.embedding_dim)
    weight = embedding.weight
    known = torch.from_numpy(~np.isnan(pretrained.vectors[:, 0]))
    vectors = torch.from_numpy(pretrained.vectors)[known]
    with torch.no_grad():
        weight.normal_(std=float(vectors.std()))
        weight[PADDING_ID].zero_()
        weight[known] = vectors


class Frozen(Callback):
    """Keep word vectors as they are for so many epochs.

    It is also done when training begins: one that resumes in the middle of an epoch gets no event of its start.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Freeze, or not."""
        assert isinstance(module, Learner)
        module.embedding.requires_grad_(trainer.current_epoch >= self.epochs)

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Freeze, or no longer."""
        self.on_train_start(trainer, module)
