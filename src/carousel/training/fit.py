"""Training one classifier: the Lightning fit, from encoded splits to the best epoch's weights."""

import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import Logger

from carousel.corpus.encoded import Encoded
from carousel.nn.classifier import ClassifierConfig, TextClassifier
from carousel.params import Hparams
from carousel.tasks.classification import MONITOR, Classification
from carousel.training.batches import Batches
from carousel.training.callbacks import History, Reshuffle, progress


@dataclass(frozen=True)
class Fitted:
    """A trained model and how it came about.

    Attributes:
        model: with the weights of the epoch whose validation accuracy was best.
        history: a row an epoch.
        best: that epoch's row.
        seconds: of the whole fit.
        tokens_per_second: real, non-padding tokens trained on, validation time included.
    """

    model: TextClassifier
    history: list[dict[str, float]]
    best: dict[str, float]
    seconds: float
    tokens_per_second: float


def build(hparams: Hparams, *, vocabulary_size: int, classes: int) -> TextClassifier:
    """Return an untrained model; its weights are a function of `train.seed`."""
    torch.manual_seed(hparams.train.seed)
    return TextClassifier(ClassifierConfig(vocabulary_size, classes, **hparams.model.model_dump()))


def fit(
    hparams: Hparams,
    train: Encoded,
    val: Encoded,
    vocabulary_size: int,
    *,
    logger: Logger | None = None,
    callbacks: Sequence[Callback] = (),
    quiet: bool = False,
) -> Fitted:
    """Train a classifier until its epochs are over or validation accuracy has stopped rising.

    Args:
        hparams: model and training hyperparameters.
        train: documents to learn from.
        val: documents to choose the best epoch by.
        vocabulary_size: rows of the embedding.
        logger: where Lightning logs metrics, or nowhere.
        callbacks: further ones, such as a sweep's pruning.
        quiet: no progress bar or lines.
    """
    params = hparams.train
    _quieten()
    _limit_threads()
    pl.seed_everything(params.seed, verbose=False)
    model = build(hparams, vocabulary_size=vocabulary_size, classes=len(train.labels))
    batches = Batches(train, params.batch_tokens, seed=params.seed, shuffle=True)
    task = Classification(model, params, steps=params.epochs * len(batches))
    history = History()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="carousel-") as scratch:
        best = ModelCheckpoint(scratch, filename="best", monitor=MONITOR, mode="max", save_weights_only=True)
        trainer = pl.Trainer(
            accelerator="auto",
            devices=1,
            max_epochs=params.epochs,
            gradient_clip_val=params.clip_norm,
            logger=logger or False,
            callbacks=[
                Reshuffle(),
                history,
                best,
                EarlyStopping(MONITOR, mode="max", patience=params.patience),
                *([] if quiet else [progress(history)]),
                *callbacks,
            ],
            enable_progress_bar=not quiet and sys.stdout.isatty(),
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            deterministic=True,
            use_distributed_sampler=False,
        )
        try:
            trainer.fit(task, batches, Batches(val, params.batch_tokens))
        except SystemExit as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from error  # Lightning exits on Ctrl+C; a sweep has to know it as such
            raise
        state = torch.load(best.best_model_path, weights_only=True)["state_dict"]
    task.load_state_dict(state)
    seconds = time.perf_counter() - began
    chosen = max(history.rows, key=lambda row: row["val_accuracy"])
    tokens = int(train.offsets[-1]) * len(history.rows)
    return Fitted(model.cpu().eval(), history.rows, chosen, seconds, tokens / seconds)


def describe(fitted: Fitted) -> dict[str, float | int]:
    """Return what reports/train.json says."""
    row = fitted.best
    return {
        "epochs": len(fitted.history),
        "best_epoch": int(row["epoch"]),
        "train_loss": row["train_loss"],
        "val_loss": row["val_loss"],
        "val_accuracy": row["val_accuracy"],
        "val_macro_f1": row["val_macro_f1"],
        "parameters": sum(parameter.numel() for parameter in fitted.model.parameters()),
        "tokens_per_second": round(fitted.tokens_per_second),
    }


def _limit_threads() -> None:
    """Compute on half the cores, unless OMP_NUM_THREADS says otherwise.

    A recurrent step is many small operations, each of which waits for its slowest thread. On two idle cores a
    second thread gained a quarter; beside any other busy process it made training three to five times slower.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))


def _quieten() -> None:
    """Silence what Lightning says to everyone: devices found, loader workers that a memory map does not need."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")  # Lightning's own, on torch 2.13
    warnings.filterwarnings(
        "ignore", message=".*The number of training batches.*smaller than the logging interval.*"
    )
