"""One trial in a worker: a short fit that reports each epoch, and stops when it is told to."""

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Callback

from carousel.corpus.training_data import TrainingData
from carousel.errors import UserError, first_line
from carousel.params import Hparams, Objective
from carousel.search.messages import Ended, Epoch
from carousel.search.objectives import measure
from carousel.task import Task
from carousel.training.fit import fit


class PrunedError(Exception):
    """The end of a trial that was told to stop."""


class Reporting(Callback):
    """Report every epoch's validation metrics, and stop the trial if the answer is no.

    Args:
        report: sends the epoch, and returns whether to go on.
    """

    def __init__(self, report: Callable[[Epoch], bool]) -> None:
        self.report = report
        self.epochs: list[Epoch] = []
        self._began = time.perf_counter()

    def on_validation_end(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Report, then do as the answer says."""
        metrics = {name.replace("val/", "val_"): float(value) for name, value in trainer.callback_metrics.items()}
        validated = {name: value for name, value in metrics.items() if name.startswith("val_")}
        self.epochs.append(Epoch(trainer.current_epoch, validated, time.perf_counter() - self._began))
        self._began = time.perf_counter()
        if not self.report(self.epochs[-1]):
            raise PrunedError


def attempt(
    task: Task[Any],
    hparams: Hparams,
    data: TrainingData,
    objectives: list[Objective],
    report: Callable[[Epoch], bool],
) -> Ended:
    """Train and measure; whatever goes wrong is the trial's end and not the worker's.

    Args:
        task: whose model is trained.
        hparams: the trial's.
        data: to learn from, and to score the trial.
        objectives: what to measure in the end.
        report: sends an epoch, and returns whether to go on.
    """
    reporting, began = Reporting(report), time.perf_counter()
    state, values, reason = "failed", None, None
    try:
        fitted = fit(task.make_learner, hparams, data, callbacks=[reporting], quiet=True)
        state, values = "complete", [measure(objective, fitted, data) for objective in objectives]
    except PrunedError:
        state = "pruned"
    except UserError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - its reason is kept, and the sweep goes on
        reason = f"{type(error).__name__}: {first_line(error)}"
    return Ended(state, values, reason, reporting.epochs, time.perf_counter() - began)
