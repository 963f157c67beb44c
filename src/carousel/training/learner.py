"""What is trained: a network with its loss, its metrics, its optimizer and its schedule."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import pytorch_lightning as lightning
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Metric as TorchMetric
from typing_extensions import override

from carousel.corpus.dataset import Dataset
from carousel.corpus.training_data import TrainingData
from carousel.metric import Metric
from carousel.params import Train
from carousel.training.batches import Batches

Batch = TypeVar("Batch")


class NotFiniteError(ArithmeticError):
    """A step whose gradient is infinite or not a number; a loss that is either makes such a gradient."""


class Learner(lightning.LightningModule, ABC, Generic[Batch]):
    """Trains a model with AdamW and a one-cycle cosine schedule, and measures it after every epoch.

    A task subclasses it with the loss of a batch and the metrics of a validation batch.

    Args:
        model: what is trained.
        train: the `train` section of the hyperparameters.
        metrics: what `measure` logs; the first one decides which epoch is the best.

    Attributes:
        steps: optimizer steps of the whole run, over which the learning rate falls to zero.
        batch_units: units of the loss that a batch has on average.
        gradient_norm: of the last step, before clipping.
    """

    def __init__(self, model: nn.Module, train: Train, metrics: Sequence[Metric]) -> None:
        super().__init__()
        self.model = model
        self.params = train
        self.metrics = tuple(metrics)
        self.steps = 0
        self.batch_units = 1.0
        self.gradient_norm = torch.tensor(torch.nan)

    # What a task decides

    @abstractmethod
    def batches(self, data: Dataset, batch_tokens: int, *, seed: int = 0, shuffle: bool = False) -> Batches[Batch]:
        """Return a split's batches; their order is a function of the seed and the epoch."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss over a batch's units."""

    @abstractmethod
    def units(self, batch: Batch) -> int:
        """Return how many units of the loss a batch has."""

    @abstractmethod
    def epoch_units(self, data: Dataset) -> int:
        """Return how many units of the loss a split has."""

    @abstractmethod
    @override
    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return what the model computes for a prediction."""

    @abstractmethod
    def measure(self, batch: Batch) -> None:
        """Count a validation batch into the epoch's loss and metrics, with `log_metrics`."""

    def finish(self) -> None:
        """Bring the model into the form that predicts, when training is over."""

    # What all tasks share

    @property
    def embedding(self) -> nn.Module:
        """The word vectors, which may be pretrained."""
        return self.model.get_submodule("embedding")

    @property
    def monitor(self) -> Metric:
        """The metric that decides which epoch is the best."""
        return self.metrics[0]

    def plan(self, epochs: int, batches: Batches[Batch]) -> None:
        """Set what the schedule and the loss depend on.

        Args:
            epochs: of the whole run.
            batches: of an epoch.
        """
        self.steps, self.batch_units = epochs * len(batches), self.epoch_units(batches.data) / len(batches)

    def log_metrics(self, loss: Tensor, values: dict[str, TorchMetric], units: int) -> None:
        """Log the loss of a validation batch and metrics that were updated with it."""
        self.log("val/loss", loss, on_epoch=True, batch_size=units)
        for name, value in values.items():
            self.log(f"val/{name}", value, on_epoch=True, batch_size=units)

    @override
    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Return the loss of a batch, in proportion to its number of units.

        A batch of short documents holds many, one of long documents few. If all batches counted alike, the words
        of long documents would weigh more than those of short ones, and the loss would fall more slowly.
        """
        return self.loss(batch) * (self.units(batch) / self.batch_units)

    @override
    def validation_step(self, batch: Batch, _index: int) -> None:
        self.measure(batch)

    @override
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

    @override
    def configure_optimizers(self) -> Any:
        """AdamW (Loshchilov & Hutter 2019); biases and embeddings have no weight decay."""
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


class MakeLearner(Protocol):
    """How a task makes its learner."""

    def __call__(self, hparams: Any, data: TrainingData, *, quiet: bool = False) -> Learner[Any]:
        """Return a learner with an untrained model, whose weights are a function of the seed and the data.

        Args:
            hparams: of the task.
            data: what it will learn from.
            quiet: print nothing.
        """
