"""What happens around a training step: its order, its random numbers, and what is written down of it."""

import sys
import time
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback, RichProgressBar
from torch import Tensor, nn

from carousel.training.batches import Batches
from carousel.training.learner import Learner

# A run's curves by step have about so many points, however long it is
POINTS = 100


class PerStepSeed(Callback):
    """Make an epoch's order a function of (seed, epoch), and a step's random numbers one of (seed, step).

    So a training that goes on from a checkpoint goes on exactly, with no generator's state to restore.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Tell the batches which epoch begins."""
        batches: Any = trainer.train_dataloader
        assert isinstance(batches, Batches)
        batches.set_epoch(trainer.current_epoch)

    def on_train_batch_start(
        self, trainer: lightning.Trainer, _module: lightning.LightningModule, _batch: Any, _index: int
    ) -> None:
        """Draw the seed of the step's dropout."""
        torch.manual_seed(int(np.random.SeedSequence((self.seed, trainer.global_step)).generate_state(1)[0]))


class History(Callback):
    """Keep each epoch's metrics, as the rows of a table.

    Args:
        clip_norm: above which a step's gradient was clipped.
    """

    def __init__(self, clip_norm: float) -> None:
        self.clip_norm = clip_norm
        self.rows: list[dict[str, float]] = []
        self.norms: list[float] = []  # of the gradient at each step of the run, before clipping
        self._loss = torch.zeros((), dtype=torch.float64)  # summed over the epoch's steps so far
        self._before = 0.0  # seconds of the epoch that an earlier process spent
        self._began = 0.0

    def on_train_start(self, _trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Start the clock, also when an epoch goes on from its middle."""
        self._began = time.perf_counter()

    def on_train_batch_end(
        self,
        _trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        _batch: Any,
        _index: int,
    ) -> None:
        """Count a step."""
        assert isinstance(module, Learner)
        self._loss = self._loss + outputs["loss"].cpu().double()
        self.norms.append(float(module.gradient_norm))

    def on_validation_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Log the epoch's validation metrics by epoch."""
        self._by_epoch(trainer, module)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Add the epoch's row: Lightning runs validation before this."""
        assert isinstance(module, Learner)
        metrics = trainer.callback_metrics
        measured = ("loss", *(metric.name for metric in module.metrics))
        steps = int(trainer.num_training_batches)
        norms = np.array(self.norms[-steps:])
        row = {
            "epoch": trainer.current_epoch + 1,
            "train_loss": float(self._loss) / steps,
            **{f"val_{name}": float(metrics[f"val/{name}"]) for name in measured if f"val/{name}" in metrics},
            "gradient_norm_p90": float(np.quantile(norms, 0.9)),
            "clipped": float((norms > self.clip_norm).mean()),
            "seconds": self._seconds(),
        }
        self.rows.append(row)
        self._by_epoch(trainer, module)
        for key in ("train_loss", "gradient_norm_p90", "clipped"):
            module.log(f"train/{key.removeprefix('train_')}", row[key])
        self._loss = torch.zeros_like(self._loss)
        self._before, self._began = 0.0, time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        """Return what Lightning keeps in its checkpoints."""
        return {
            "rows": self.rows,
            "norms": torch.tensor(self.norms, dtype=torch.float64),
            "loss": self._loss,
            "seconds": self._seconds(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.rows, self.norms = state["rows"], state["norms"].tolist()
        self._loss, self._before = state["loss"], state["seconds"]

    def _by_epoch(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Log what the epoch ends with at its number: Lightning takes a metric of this name for the step."""
        module.log("step", float(trainer.current_epoch + 1))

    def _seconds(self) -> float:
        return self._before + time.perf_counter() - self._began


class Curves(Callback):
    """Log loss, learning rate and gradient norms by step, at about `POINTS` steps of a run."""

    def __init__(self) -> None:
        self._point: dict[str, float] = {}

    def on_before_optimizer_step(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, _optimizer: torch.optim.Optimizer
    ) -> None:
        """Take each layer's norm, before clipping: it tells where a gradient vanishes or explodes."""
        assert isinstance(module, Learner)
        if trainer.logger is not None and trainer.global_step % max(1, module.steps // POINTS) == 0:
            self._point = {
                f"train/gradients/{layer}": float(norm) for layer, norm in layer_norms(module.model).items()
            }
            self._point["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, outputs: Any, batch: Any, _index: int
    ) -> None:
        """Log the step; its loss is the mean over its own units."""
        assert isinstance(module, Learner)
        if self._point:
            assert trainer.logger is not None
            self._point |= {
                "train/step_loss": float(outputs["loss"]) * module.batch_units / module.units(batch),
                "train/gradient_norm": float(module.gradient_norm),
            }
            trainer.logger.log_metrics(self._point, trainer.global_step - 1)
            self._point = {}


def layer_norms(model: nn.Module) -> dict[str, Tensor]:
    """Return the norm of each layer's gradient: `embedding`, `encoder.layers.0`, `head`."""
    squares: dict[str, Tensor] = {}
    for whole_name, parameter in model.named_parameters():
        if parameter.grad is not None:
            name = whole_name.removeprefix("network.")  # of a model with n-grams beside it
            layer = ".".join(name.split(".")[:3]) if name.startswith("encoder.") else name.split(".", maxsplit=1)[0]
            squares[layer] = squares.get(layer, torch.zeros(())) + parameter.grad.pow(2).sum().cpu()
    return {layer: square.sqrt() for layer, square in squares.items()}


class EpochLines(Callback):
    """One plain line an epoch: losses, the monitored metric, seconds."""

    def __init__(self, history: History) -> None:
        self.history = history

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Print the epoch that History just added."""
        assert isinstance(module, Learner)
        row, monitor = self.history.rows[-1], module.monitor
        validated = ""
        if "val_loss" in row:
            validated = f"val loss {row['val_loss']:.3f}  val {monitor.title} {row[f'val_{monitor.name}']:.3f}  "
        print(
            f"epoch {row['epoch']:>3}/{trainer.max_epochs}  train loss {row['train_loss']:.3f}  "
            f"{validated}{row['seconds']:.1f} s",
            flush=True,
        )


class Bar(RichProgressBar):
    """Lightning's bar, with epochs counted from 1 and without the run's id, which it calls a version."""

    def _get_train_description(self, current_epoch: int) -> str:
        return f"Epoch {current_epoch + 1}/{self.trainer.max_epochs}".ljust(len(self.validation_description))

    def get_metrics(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Return what stands behind the bar."""
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        return metrics


def progress(history: History) -> list[Callback]:
    """Return what shows progress: a line an epoch, and on a terminal a bar below them."""
    lines = EpochLines(history)
    return [lines, Bar(leave=False)] if sys.stdout.isatty() else [lines]
