"""Text classification as a Lightning module."""

import numpy as np
import numpy.typing as npt
import pytorch_lightning as lightning
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Accuracy, F1Score, Metric

from carousel.nn.classifier import TextClassifier
from carousel.params import Train

Batch = tuple[Tensor, Tensor, Tensor]  # ids (B, T), lengths (B,), targets (B,)

# What a validation epoch logs, and what early stopping and a sweep may watch
MONITOR = "val/accuracy"


class NotFiniteError(ArithmeticError):
    """A step whose gradient is infinite or not a number; a loss that is either makes such a gradient."""


class Classification(lightning.LightningModule):
    """Cross-entropy with AdamW and a one-cycle cosine schedule; accuracy and macro-F1 after every epoch.

    Args:
        model: what is trained.
        train: the `train` section of the hyperparameters.
        steps: optimizer steps of the whole run, over which the learning rate falls to zero.
        batch_documents: how many documents a batch has on average.
        label_documents: how many documents of each label are learned from, (classes,); `train.class_weights` asks.
    """

    weights: Tensor | None  # of each label's documents, (classes,)

    def __init__(
        self,
        model: TextClassifier,
        train: Train,
        steps: int,
        batch_documents: float,
        label_documents: npt.NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.params = train
        self.steps = steps
        self.batch_documents = batch_documents
        self.loss = nn.CrossEntropyLoss()
        weights = None if train.class_weights == "none" or label_documents is None else balanced(label_documents)
        self.register_buffer("weights", weights, persistent=False)
        classes = model.config.classes
        self.gradient_norm = torch.tensor(torch.nan)
        self.accuracy: Metric = Accuracy(task="multiclass", num_classes=classes)
        self.macro_f1: Metric = F1Score(task="multiclass", num_classes=classes, average="macro")

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Return one batch's share of the loss: more, the more documents it has.

        A batch of short documents holds many, one of long documents few. If all batches counted alike, the words
        of long documents would teach more than those of short ones, and the loss would fall more slowly.
        """
        ids, lengths, targets = batch
        loss = self.training_loss(self.model(ids, lengths, targets), targets)
        return loss * (len(targets) / self.batch_documents)

    def training_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch's documents, each as heavy as its label, its target smoothed.

        A smoothed target is 1 - ε of the label and ε of all labels alike (Szegedy et al. 2016, "Rethinking the
        inception architecture", section 7). Weights are divided by the number of documents, not by their sum in
        the batch, or a batch without rare labels would count them double.

        Args:
            logits: (B, classes).
            targets: (B,).
        """
        smoothing = self.params.label_smoothing
        if self.weights is None:
            return nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing)
        losses = nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")  # (B,)
        return (losses * self.weights[targets]).mean()

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient's norm (Pascanu et al. 2013), and keep what it was before.

        Raises:
            NotFiniteError: when it is infinite or not a number; the weights are then as the last step left them.
        """
        limit = torch.inf if gradient_clip_val is None else gradient_clip_val
        self.gradient_norm = nn.utils.clip_grad_norm_(self.model.parameters(), limit)
        if not torch.isfinite(self.gradient_norm):
            raise NotFiniteError(f"the gradient's norm is {float(self.gradient_norm)}")

    def validation_step(self, batch: Batch, _index: int) -> None:
        """Count one batch into the epoch's loss, accuracy and macro-F1."""
        ids, lengths, targets = batch
        logits = self.model(ids, lengths)
        self.accuracy.update(logits, targets)
        self.macro_f1.update(logits, targets)
        self.log("val/loss", self.loss(logits, targets), on_epoch=True, batch_size=len(targets))
        self.log("val/accuracy", self.accuracy, on_epoch=True, batch_size=len(targets))
        self.log("val/macro_f1", self.macro_f1, on_epoch=True, batch_size=len(targets))

    def configure_optimizers(self) -> dict[str, object]:  # type: ignore[override]
        """AdamW (Loshchilov & Hutter 2019); weight decay spares biases and embeddings."""
        decayed: list[nn.Parameter] = []
        spared: list[nn.Parameter] = []
        for name, parameter in self.model.named_parameters():
            (spared if parameter.dim() == 1 or "embedding" in name else decayed).append(parameter)
        optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.params.weight_decay},
                {"params": spared, "weight_decay": 0.0},
            ],
            lr=self.params.learning_rate,
            fused=True,
        )
        # A rise that ends at the first of ten steps makes torch divide by zero
        steps = 11 if self.steps == 10 else self.steps
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=self.params.learning_rate, total_steps=steps, pct_start=0.1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def balanced(documents: npt.NDArray[np.int64]) -> Tensor:
    """Return each label's weight, by which all labels weigh alike and a document weighs 1 on average (classes,).

    King and Zeng 2001, "Logistic regression in rare events data": n / (classes * n_label).

    Args:
        documents: how many there are of each label, each at least 1.
    """
    return torch.from_numpy(documents.sum() / (len(documents) * documents)).float()
