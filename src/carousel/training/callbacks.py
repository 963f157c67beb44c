"""What is watched while a model trains: a row an epoch, and a line or a bar for the person who waits."""

import sys
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, RichProgressBar

from carousel.training.batches import BucketSampler


class Reshuffle(Callback):
    """Tell the batch sampler which epoch begins; Lightning itself tells only samplers of single documents."""

    def on_train_epoch_start(self, trainer: pl.Trainer, _module: pl.LightningModule) -> None:
        """Set the epoch."""
        loader: Any = trainer.train_dataloader
        sampler: BucketSampler = loader.batch_sampler
        sampler.set_epoch(trainer.current_epoch)


class History(Callback):
    """Keep each epoch's figures, as the rows of a table."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._began = 0.0

    def on_train_epoch_start(self, _trainer: pl.Trainer, _module: pl.LightningModule) -> None:
        """Start the epoch's clock."""
        self._began = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, _module: pl.LightningModule) -> None:
        """Add the epoch's row: Lightning runs validation before this."""
        metrics = trainer.callback_metrics
        self.rows.append(
            {
                "epoch": trainer.current_epoch + 1,
                "train_loss": float(metrics["train/loss_epoch"]),
                "val_loss": float(metrics["val/loss"]),
                "val_accuracy": float(metrics["val/accuracy"]),
                "val_macro_f1": float(metrics["val/macro_f1"]),
                "seconds": time.perf_counter() - self._began,
            }
        )


class Lines(Callback):
    """One plain line an epoch, for logs and pipes."""

    def __init__(self, history: History) -> None:
        self.history = history

    def on_train_epoch_end(self, trainer: pl.Trainer, _module: pl.LightningModule) -> None:
        """Print the epoch that History just added."""
        row = self.history.rows[-1]
        print(
            f"epoch {row['epoch']:>3}/{trainer.max_epochs}  train loss {row['train_loss']:.3f}  "
            f"val loss {row['val_loss']:.3f}  val accuracy {row['val_accuracy']:.3f}  {row['seconds']:.1f} s",
            flush=True,
        )


def progress(history: History) -> Callback:
    """Return a progress bar on a terminal, plain lines elsewhere."""
    return RichProgressBar(leave=True) if sys.stdout.isatty() else Lines(history)
