"""A sweep in MLflow: a parent run, and a child for each trial."""

from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from carousel.params import Params
from carousel.search.study import Swept, best_so_far
from carousel.tracking import lineage
from carousel.tracking.run import flat
from carousel.tracking.store import connect, experiment, has_run

_RUN = "mlflow_run_id"  # the study's and each trial's run, kept with them in Optuna's storage


class SweepRuns:
    """Writes trials to MLflow as they end.

    A pruned trial is a finished run with the tag `optuna.state: pruned`: neither failed nor still running.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.client = connect()
        self.experiment_id = experiment(self.client, params.registry.name)

    def add(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Write one ended trial, and a line for the person who waits."""
        state = trial.state.name.lower()
        chosen = ", ".join(f"{key}={_short(value)}" for key, value in trial.params.items())
        seconds = trial.duration.total_seconds() if trial.duration else 0.0
        value = best_so_far(trial)
        print(
            f"trial {trial.number + 1}/{self.params.sweep.trials}  val accuracy {value:.3f}  {state}  "
            f"{seconds:.0f} s  {chosen}",
            flush=True,
        )
        if reason := trial.user_attrs.get("reason"):
            print(f"  {reason}", flush=True)
        parent = self._parent(study)
        child = self.client.create_run(
            self.experiment_id,
            run_name=f"trial {trial.number}",
            start_time=int(trial.datetime_start.timestamp() * 1000) if trial.datetime_start else None,
            tags={"mlflow.parentRunId": parent, "optuna.state": state, "optuna.trial": str(trial.number)},
        ).info.run_id
        for key, tried in trial.params.items():
            self.client.log_param(child, key, tried)
        for epoch, accuracy in trial.intermediate_values.items():
            self.client.log_metric(child, "val/accuracy", accuracy, step=epoch + 1)
        if trial.intermediate_values:
            self.client.log_metric(child, "best/val_accuracy", value)
        elif reason:
            self.client.set_tag(child, "optuna.reason", reason)
        ended = int(trial.datetime_complete.timestamp() * 1000) if trial.datetime_complete else None
        self.client.set_terminated(child, "FAILED" if trial.state is TrialState.FAIL else "FINISHED", ended)

    def finish(self, swept: Swept) -> None:
        """Write the sweep's outcome to its parent run."""
        parent = self._parent(swept.study)
        self.client.log_metric(parent, "best/val_accuracy", best_so_far(swept.best))
        self.client.set_tag(parent, "optuna.best_trial", str(swept.best.number))
        self.client.log_table(parent, swept.table().to_dict(as_series=False), "tables/trials.json")
        self.client.set_terminated(parent)

    def _parent(self, study: optuna.Study) -> str:
        known: Any = study.user_attrs.get(_RUN)
        if known is not None and has_run(self.client, known):
            return str(known)
        run = self.client.create_run(
            self.experiment_id,
            run_name=f"sweep of {self.params.sweep.trials} · {self.params.registry.name}",
            tags=lineage.tags() | {"optuna.study": study.study_name},
        )
        for key, value in flat(self.params).items():
            self.client.log_param(run.info.run_id, key, value)
        study.set_user_attr(_RUN, run.info.run_id)
        return str(run.info.run_id)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
