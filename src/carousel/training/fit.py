"""Training one model: the Lightning fit, from encoded splits to the best epoch's weights."""

import logging
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.loggers import Logger
from torch import nn

from carousel import layout
from carousel.corpus.training_data import TrainingData
from carousel.errors import UserError
from carousel.metric import Metric
from carousel.nn.bounds import OutOfBoundsError
from carousel.params import Hparams
from carousel.training import budget, embedding
from carousel.training.allocator import keep_freed_memory
from carousel.training.batches import Batches
from carousel.training.callbacks import Curves, History, PerStepSeed, progress
from carousel.training.checkpoint import Best, ResumableCheckpoint
from carousel.training.learner import Learner, MakeLearner, NotFiniteError
from carousel.training.precision import Precision, choose


class DivergedError(UserError):
    """A training whose loss or gradient stopped being a number."""


@dataclass(frozen=True)
class Fitted:
    """A trained model and how it came about.

    Attributes:
        learner: whose model has the weights of the epoch whose validation metric was best, or, without validation,
            of the last one; after a `refit`, those of the second training.
        history: a row an epoch; after a `refit`, still of the first training.
        norms: of the gradient at each step, before clipping.
        planned: epochs over which the learning rate falls; patience may have ended earlier.
        documents: that the model's weights were learned from.
        tokens: real, non-padding tokens of an epoch.
        batch_tokens: of a batch at most, padding included.
        precision: what it was computed with.
        refit: a row an epoch of the second training; none without one.
    """

    learner: Learner[Any]
    history: list[dict[str, float]]
    norms: list[float]
    planned: int
    documents: int
    tokens: int
    batch_tokens: int
    precision: Precision
    refit: list[dict[str, float]] = field(default_factory=list)

    @property
    def model(self) -> nn.Module:
        """The trained model, in evaluation mode."""
        return self.learner.model

    @property
    def monitor(self) -> Metric:
        """The metric that chose the epoch."""
        return self.learner.monitor

    @property
    def best(self) -> dict[str, float]:
        """The row of the epoch whose weights the model has: the earliest of the best."""
        choose = max if self.monitor.higher_is_better else min
        return choose(self.history, key=lambda row: row[f"val_{self.monitor.name}"])

    @property
    def tokens_per_second(self) -> float:
        """Real, non-padding tokens trained on, validation time included."""
        return self.tokens * len(self.history) / sum(row["seconds"] for row in self.history)


def fit(
    make_learner: MakeLearner,
    hparams: Hparams,
    data: TrainingData,
    *,
    logger: Logger | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoints: Path | None = None,
    quiet: bool = False,
) -> Fitted:
    """Train until the epochs are over or the monitored metric has stopped improving.

    Args:
        make_learner: makes the task's learner, whose model is about to be trained.
        hparams: model and training hyperparameters.
        data: what to learn from; without validation the last epoch's weights are kept.
        logger: where Lightning logs metrics, or nowhere.
        callbacks: further ones, such as a sweep's pruning.
        checkpoints: a folder for them; if it has one of the same training, that training goes on.
        quiet: no progress bar or lines.

    Raises:
        DivergedError: when a loss or gradient is not finite.
        UserError: when the pretrained vectors are of another width than the model's.
        KeyboardInterrupt: after a step that Ctrl-C interrupted, and its checkpoint.
    """
    params, train = hparams.train, data.train
    _quieten()
    keep_freed_memory()
    precision = choose(hparams)
    try:
        learner = make_learner(hparams, data, quiet=quiet)
    except OutOfBoundsError as error:
        raise UserError(f"{layout.PARAMS}: model: {error}") from error
    monitor = learner.monitor
    epochs = params.epochs or budget.epochs(train.tokens)
    batch_tokens = params.batch_tokens or budget.batch_tokens(train.tokens)
    batches = learner.batches(train, batch_tokens, seed=params.seed, shuffle=True)
    learner.plan(epochs, batches)
    history, best, resumption = History(params.clip_norm), Best(monitor), ResumableCheckpoint(checkpoints)
    mode = "max" if monitor.higher_is_better else "min"
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        precision=precision.lightning,
        max_epochs=epochs,
        gradient_clip_val=params.clip_norm,
        logger=logger or False,
        callbacks=[
            PerStepSeed(params.seed),
            history,
            *([embedding.Frozen(data.pretrained.freeze_epochs)] if data.pretrained is not None else []),
            Curves(),
            *(
                [best, EarlyStopping(f"val/{monitor.name}", mode=mode, patience=params.patience)]
                if data.val is not None
                else []
            ),
            *([] if quiet else progress(history)),
            *callbacks,
            resumption,
        ],
        enable_progress_bar=not quiet and sys.stdout.isatty(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic=True,
        use_distributed_sampler=False,
    )
    begin = resumption.path if resumption.path and resumption.path.exists() else None
    if not quiet:
        print(f"precision {precision.name}: {precision.reason}", flush=True)
        if begin:
            print(f"going on from the checkpoint of an interrupted training, {begin}", flush=True)
    with resumption.listening():
        try:
            validation = learner.batches(data.val, batch_tokens) if data.val is not None else None
            trainer.fit(learner, batches, validation, ckpt_path=begin, weights_only=True)
        except SystemExit as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from error  # Lightning exits on Ctrl+C; a sweep has to know it as such
            raise
        except NotFiniteError as error:
            raise DivergedError(_diverged(error, trainer, batches, resumption.path)) from error
    if data.val is not None:
        learner.load_state_dict(best.weights)
    learner.finish()
    learner.cpu().eval()
    return Fitted(
        learner=learner,
        history=history.rows,
        norms=history.norms,
        planned=epochs,
        documents=len(train),
        tokens=train.tokens,
        batch_tokens=batch_tokens,
        precision=precision,
    )


def describe(fitted: Fitted) -> dict[str, float | int | str]:
    """Return what reports/train.json says."""
    row = fitted.best
    return {
        "epochs": len(fitted.history),
        "best_epoch": int(row["epoch"]),
        "train_loss": row["train_loss"],
        **{name: value for name, value in row.items() if name.startswith("val_")},
        "parameters": sum(parameter.numel() for parameter in fitted.model.parameters()),
        "tokens_per_second": round(fitted.tokens_per_second),
        "batch_tokens": fitted.batch_tokens,
        "documents": fitted.documents,
        "refit_epochs": len(fitted.refit),
        "precision": fitted.precision.name,
        "gradient_norm_p90": float(np.quantile(fitted.norms, 0.9)),
        "clipped": float(np.mean([row["clipped"] for row in fitted.history])),  # epochs have as many steps
    }


def _diverged(
    error: NotFiniteError, trainer: lightning.Trainer, batches: Batches[Any], checkpoint: Path | None
) -> str:
    index = trainer.fit_loop.batch_idx
    names = batches.names(index)
    documents = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    last = f"; the last good checkpoint is {checkpoint}" if checkpoint and checkpoint.exists() else ""
    return (
        f"training diverged: {error} at step {trainer.global_step} (epoch {trainer.current_epoch + 1}, batch "
        f"{index}: documents {documents}); lower train.learning_rate or train.clip_norm{last}"
    )


def _quieten() -> None:
    """Silence what Lightning says to everyone: devices found."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")  # Lightning's own, on torch 2.13
    warnings.filterwarnings("ignore", message=".*have no `val_dataloader`. Skipping val loop.*")
    warnings.filterwarnings(
        "ignore", message=".*The number of training batches.*smaller than the logging interval.*"
    )
