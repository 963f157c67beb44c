"""The training of a text classifier: cross-entropy per document, accuracy and macro-F1."""

from typing import NamedTuple

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

TARGETS, TEACHER = "targets", "teacher"  # scalars of an encoded split


class Batch(NamedTuple):
    """Documents of near length.

    Attributes:
        ids: (B, T).
        lengths: (B,).
        targets: (B,).
        teacher: a teacher's logits (B, classes), None without a teacher.
    """

    ids: Tensor
    lengths: Tensor
    targets: Tensor
    teacher: Tensor | None = None


Network = TextClassifier | NgramEnsemble


def network_of(model: Network) -> TextClassifier:
    """Return the network of a model that may have n-grams beside it."""
    return model.network if isinstance(model, NgramEnsemble) else model


class ClassificationLearner(Learner[Batch]):
    """Cross-entropy of documents' labels, and of a teacher's predictions; accuracy and macro-F1 after every epoch.

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
        self.distillation, self.temperature = train.distillation, train.temperature
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
        ids, lengths, targets, teacher = batch
        # n-grams leave out a document's own count, or one that it alone has would give its label away
        seen = (ids, lengths, targets) if isinstance(self.model, NgramEnsemble) else (ids, lengths)
        return self.training_loss(self.model(*seen), targets, teacher)

    @override
    def units(self, batch: Batch) -> int:
        return len(batch.targets)

    def training_loss(self, logits: Tensor, targets: Tensor, teacher: Tensor | None = None) -> Tensor:
        """Return the mean loss of a batch's documents, each as heavy as its label, its target smoothed.

        A smoothed target is 1 - ε of the label and ε of all labels alike (Szegedy et al. 2016, "Rethinking the
        inception architecture", section 7). Weights are divided by the number of documents, not by their sum in
        the batch, or a batch without rare labels would count them double. With a teacher, the loss is
        (1 - λ) cross-entropy + λ `soft_loss`, where λ is `train.distillation`.

        Args:
            logits: (B, classes).
            targets: (B,).
            teacher: a teacher's logits (B, classes).
        """
        if self.weights is None and (teacher is None or not self.distillation):
            return nn.functional.cross_entropy(logits, targets, label_smoothing=self.smoothing)
        losses = nn.functional.cross_entropy(logits, targets, label_smoothing=self.smoothing, reduction="none")
        if teacher is not None and self.distillation:
            losses = torch.lerp(losses, soft_loss(logits, teacher, self.temperature), self.distillation)
        return losses.mean() if self.weights is None else (losses * self.weights[targets]).mean()

    @override
    def epoch_units(self, data: Dataset) -> int:
        return len(data)

    @override
    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        logits: Tensor = self.model(batch.ids, batch.lengths)
        return logits

    @override
    def measure(self, batch: Batch) -> None:
        targets = batch.targets
        logits = self.model(batch.ids, batch.lengths)
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
    ids, targets, teacher = data.sequences["ids"], data.scalars[TARGETS], data.scalars.get(TEACHER)

    def collate(documents: Integers) -> Batch:
        taught = torch.from_numpy(teacher[documents]) if teacher is not None else None
        return Batch(*pad([ids[i] for i in documents]), torch.from_numpy(targets[documents]), taught)

    return Batches(data, collate, batch_tokens, seed=seed, shuffle=shuffle)


def soft_loss(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the cross-entropy of the teacher's and the student's softened probabilities, (B,).

        T² Σ_c -p_c log q_c,    p = softmax(teacher / T),  q = softmax(logits / T)

    as Hinton et al. (2015, "Distilling the knowledge in a neural network", equation 1 and section 2). A higher
    temperature T shows the student more of what the teacher thinks of the other labels; T² keeps the size of the
    gradient.

    Args:
        logits: the student's (B, classes).
        teacher: the teacher's (B, classes).
        temperature: T.
    """
    softened = (teacher / temperature).softmax(-1)
    return nn.functional.cross_entropy(logits / temperature, softened, reduction="none") * temperature**2


def balanced(documents: npt.NDArray[np.int64]) -> Tensor:
    """Return each label's weight, by which all labels weigh alike and a document weighs 1 on average (classes,).

    King and Zeng 2001, "Logistic regression in rare events data": n / (classes * n_label).

    Args:
        documents: how many there are of each label; a sample may have none of one, whose weight is not used.
    """
    return torch.from_numpy(documents.sum() / (len(documents) * np.maximum(documents, 1))).float()
