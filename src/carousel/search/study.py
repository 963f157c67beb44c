"""A sweep: an Optuna study whose trials are short fits, pruned on validation accuracy."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import polars as pl
import pytorch_lightning as lightning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from pytorch_lightning.callbacks import Callback

from carousel import __version__
from carousel.corpus.encoded import Encoded
from carousel.errors import UserError
from carousel.files import json_digest
from carousel.params import Hparams, Sweep, replace
from carousel.search.space import inside, suggest
from carousel.tasks.classification import MONITOR
from carousel.training.fit import DivergedError, fit

SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
PRUNERS: dict[str, Callable[[], optuna.pruners.BasePruner]] = {
    "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1),
    "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=1),
    "none": optuna.pruners.NopPruner,
}


class Pruning(Callback):
    """Report every epoch's validation accuracy to Optuna, and stop the trial when its pruner says so."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def on_validation_end(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Report, then ask."""
        self.trial.report(float(trainer.callback_metrics[MONITOR]), trainer.current_epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"after epoch {trainer.current_epoch + 1}")


@dataclass(frozen=True)
class Swept:
    """What a sweep found: the hyperparameters to train with, and its trials."""

    hparams: Hparams
    study: optuna.Study

    @property
    def trials(self) -> list[FrozenTrial]:
        """Finished and pruned trials, in order."""
        return self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))

    @property
    def best(self) -> FrozenTrial:
        """The trial with the best validation accuracy; a pruned one only if none was let finish."""
        finished = [trial for trial in self.trials if trial.state is TrialState.COMPLETE]
        return max(finished or self.trials, key=best_so_far)

    def table(self) -> pl.DataFrame:
        """Return a row a trial: number, state, value, seconds, and the values it tried."""
        return pl.DataFrame(
            [
                {
                    "trial": trial.number,
                    "state": trial.state.name.lower(),
                    "val_accuracy": best_so_far(trial),
                    "seconds": trial.duration.total_seconds() if trial.duration else None,
                    **trial.params,
                }
                for trial in self.trials
            ]
        )

    def report(self) -> dict[str, Any]:
        """Return what reports/sweep.json says."""
        pruned = sum(trial.state is TrialState.PRUNED for trial in self.trials)
        return {
            "study": self.study.study_name,
            "trials": len(self.trials),
            "pruned": pruned,
            "best_trial": self.best.number,
            "best_val_accuracy": best_so_far(self.best),
            "best": self.best.params,
        }


def best_so_far(trial: FrozenTrial) -> float:
    """Return the best validation accuracy that a trial reached before it ended; nan if it had none."""
    return max(trial.intermediate_values.values(), default=math.nan)


def identity(sweep: Sweep, hparams: Hparams, train: Encoded, val: Encoded) -> str:
    """Name a study by what decides its trials, so that the same sweep goes on and another begins anew."""
    decisive = {
        "sweep": sweep.model_dump(mode="json", exclude={"trials"}),
        "hparams": hparams.model_dump(),
        "data": [train.fingerprint, val.fingerprint],
        "carousel": __version__,
    }
    return "sweep-" + json_digest(decisive)[:12]


def search(
    sweep: Sweep,
    hparams: Hparams,
    train: Encoded,
    val: Encoded,
    vocabulary_size: int,
    *,
    journal: Path,
    on_trial: Callable[[optuna.Study, FrozenTrial], None],
) -> Swept:
    """Run the trials that are still missing, and return the best.

    The values in params.yaml are the first trial, if the space holds them. An interrupted sweep goes on where
    it stopped: finished trials are in the journal.

    Args:
        sweep: the `sweep` section of params.yaml; at least one trial.
        hparams: the values outside the space.
        train: documents to learn from.
        val: documents that score a trial.
        vocabulary_size: rows of the embedding.
        journal: Optuna's journal file.
        on_trial: called after each trial.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=identity(sweep, hparams, train, val),
        storage=JournalStorage(JournalFileBackend(str(journal))),
        direction="maximize",
        pruner=PRUNERS[sweep.pruner](),
        load_if_exists=True,
    )
    first = inside(sweep.space, hparams)
    begun = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.WAITING)  # and not those that were interrupted
    if first is not None and not study.get_trials(deepcopy=False, states=begun):
        study.enqueue_trial(first)
    short = replace(hparams, {"train.epochs": min(sweep.epochs, hparams.train.epochs)})

    def objective(trial: optuna.Trial) -> float:
        chosen = suggest(trial, sweep.space, short)
        try:
            fitted = fit(chosen, train, val, vocabulary_size, callbacks=[Pruning(trial)], quiet=True)
        except DivergedError as error:
            trial.set_user_attr("reason", str(error))
            raise
        trial.set_user_attr("history", fitted.history)
        return fitted.best["val_accuracy"]

    swept = Swept(hparams, study)
    for finished in range(len(swept.trials), sweep.trials):
        # One seed for the whole sweep would repeat its first draws whenever the sweep goes on
        seed = np.random.SeedSequence((sweep.seed, finished)).generate_state(1)[0]
        study.sampler = SAMPLERS[sweep.sampler](int(seed))
        study.optimize(objective, n_trials=1, callbacks=[on_trial], catch=DivergedError)
    if not swept.trials:
        reason = study.trials[-1].user_attrs.get("reason")
        raise UserError(f"sweep: none of {len(study.trials)} trials came to an end; the last one: {reason}")
    return Swept(replace(hparams, swept.best.params), study)
