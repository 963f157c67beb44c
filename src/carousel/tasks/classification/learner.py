"""The training of a text classifier: cross-entropy per document, accuracy and macro-F1."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torchmetrics import Accuracy, F1Score
from torchmetrics import Metric as TorchMetric
from typing_extensions import override

from carousel.corpus.dataset import Dataset, Integers
from carousel.nn.batch import pad
from carousel.nn.classifier import TextClassifier
from carousel.nn.ngram_ensemble import NgramEnsemble
from carousel.nn.spelled import fold
from carousel.tasks.classification.params import Train
from carousel.tasks.classification.scores import METRICS
from carousel.training.batches import Batches
from carousel.training.learner import Learner

Batch = tuple[Tensor, Tensor, Tensor]  # ids (B, T), lengths (B,), targets (B,)


Network = TextClassifier | NgramEnsemble


def network_of(model: Network) -> TextClassifier:
    """Return the network of a model that may have n-grams beside it."""
    return model.network if isinstance(model, NgramEnsemble) else model


class ClassificationLearner(Learner[Batch]):
    """Cross-entropy of documents' labels; accuracy and macro-F1 after every epoch.

    Args:
        model: what is trained.
        train: the `train` section of the hyperparameters.
        label_documents: number of training documents by label, (classes,), for `train.class_weights`.
    """

    model: Network
    weights: Tensor | None  # of each label's documents, (classes,)

    def __init__(self, model: Network, train: Train, label_documents: npt.NDArray[np.int64] | None = None) -> None:
        super().__init__(model, train, METRICS)
        self.smoothing = train.label_smoothing
        self.validation_loss = nn.CrossEntropyLoss()
        weights = None if train.class_weights == "none" or label_documents is None else balanced(label_documents)
        self.register_buffer("weights", weights, persistent=False)
        classes = model.config.classes
        self.accuracy: TorchMetric = Accuracy(task="multiclass", num_classes=classes)
        self.macro_f1: TorchMetric = F1Score(task="multiclass", num_classes=classes, average="macro")

    @property
    @override
    def embedding(self) -> nn.Module:
        return network_of(self.model).embedding

    @override
    def batches(self, data: Dataset, batch_tokens: int, *, seed: int = 0, shuffle: bool = False) -> Batches[Batch]:
        return batches(data, batch_tokens, seed=seed, shuffle=shuffle)

    @override
    def loss(self, batch: Batch) -> Tensor:
        ids, lengths, targets = batch
        # n-grams leave out a document's own count, or one that it alone has would give its label away
        seen = (ids, lengths, targets) if isinstance(self.model, NgramEnsemble) else (ids, lengths)
        return self.training_loss(self.model(*seen), targets)

    @override
    def units(self, batch: Batch) -> int:
        return len(batch[2])

    def training_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch's documents, each as heavy as its label, its target smoothed.

        A smoothed target is 1 - ε of the label and ε of all labels alike (Szegedy et al. 2016, "Rethinking the
        inception architecture", section 7). Weights are divided by the number of documents, not by their sum in
        the batch, or a batch without rare labels would count them double.

        Args:
            logits: (B, classes).
            targets: (B,).
        """
        if self.weights is None:
            return nn.functional.cross_entropy(logits, targets, label_smoothing=self.smoothing)
        losses = nn.functional.cross_entropy(logits, targets, label_smoothing=self.smoothing, reduction="none")
        return (losses * self.weights[targets]).mean()

    @override
    def epoch_units(self, data: Dataset) -> int:
        return len(data)

    @override
    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        ids, lengths, _ = batch
        logits: Tensor = self.model(ids, lengths)
        return logits

    @override
    def measure(self, batch: Batch) -> None:
        ids, lengths, targets = batch
        logits = self.model(ids, lengths)
        self.accuracy.update(logits, targets)
        self.macro_f1.update(logits, targets)
        measured = {"accuracy": self.accuracy, "macro_f1": self.macro_f1}
        self.log_metrics(self.validation_loss(logits, targets), measured, len(targets))

    @override
    def finish(self) -> None:
        network = network_of(self.model)
        network.embedding = fold(network.embedding)


def batches(data: Dataset, batch_tokens: int, *, seed: int = 0, shuffle: bool = False) -> Batches[Batch]:
    """Return a split's batches of documents of near length."""
    ids, targets = data.sequences["ids"], data.scalars["targets"]

    def collate(documents: Integers) -> Batch:
        return *pad([ids[i] for i in documents]), torch.from_numpy(targets[documents])

    return Batches(data, collate, batch_tokens, seed=seed, shuffle=shuffle)


def balanced(documents: npt.NDArray[np.int64]) -> Tensor:
    """Return each label's weight, by which all labels weigh alike and a document weighs 1 on average (classes,).

    King and Zeng 2001, "Logistic regression in rare events data": n / (classes * n_label).

    Args:
        documents: how many there are of each label; a sample may have none of one, whose weight is not used.
    """
    return torch.from_numpy(documents.sum() / (len(documents) * np.maximum(documents, 1))).float()
