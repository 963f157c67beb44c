"""A sweep in MLflow: a parent run with its plots, a child for each trial, and a link to the winner's training.

Only the process that runs the sweep writes here, never a worker.
"""

import time
from datetime import datetime
from types import TracebackType
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from optuna.trial import FrozenTrial, TrialState

from carousel.params import Params
from carousel.search import plots
from carousel.search.messages import Epoch
from carousel.search.outcome import Outcome, state
from carousel.search.progress import display
from carousel.search.storage import kind
from carousel.search.study import CURVE, REASON, SECONDS, Study
from carousel.times import duration
from carousel.tracking import lineage, winner
from carousel.tracking.run import flat
from carousel.tracking.store import connect, experiment, has_run

RUN = "mlflow_run_id"  # the study's parent run, kept with it in Optuna's storage
PARENT = "mlflow.parentRunId"
BATCH = 100  # parameters that MLflow takes at once


class SweepRuns:
    """Writes trials to MLflow as they end.

    A pruned trial is a finished run with the tag `optuna.state: pruned`: neither failed nor still running.
    A child is written when its trial has ended; one that a kill left half-written is written again.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.client = connect()
        self.experiment_id = experiment(self.client, params.registry.name)
        self.parent = ""
        self._written: set[str] = set()

    def begin(self, study: Study) -> None:
        """Make the parent run or find it, and see which trials it has."""
        self.study = study
        known: Any = study.optuna.user_attrs.get(RUN)
        self.parent = str(known) if known is not None and has_run(self.client, known) else self._make_parent(study)
        self.client.update_run(self.parent, status="RUNNING")
        for run in self._children():
            if run.info.status == "RUNNING":
                self.client.delete_run(run.info.run_id)
            else:
                self._written.add(run.data.tags["optuna.trial"])

    def ended(self, trial: FrozenTrial) -> None:
        """Write one ended trial, if it is not there."""
        if str(trial.number) in self._written:
            return
        outcome = Outcome(self.study)
        began = _milliseconds(trial.datetime_start)
        child = self.client.create_run(
            self.experiment_id,
            run_name=f"trial {trial.number}",
            start_time=began,
            tags={PARENT: self.parent, "optuna.state": state(trial), "optuna.trial": str(trial.number)},
        ).info.run_id
        values = flat(self.study.hparams_of(trial))
        ended = _milliseconds(trial.datetime_complete) or 0
        metrics = [
            Metric(figure.replace("val_", "val/"), value, ended, row["epoch"])
            for row in trial.user_attrs.get(CURVE, [])
            for figure, value in row.items()
            if figure != "epoch"
        ]
        for place, name in enumerate(self.study.sweep.objectives):
            value = outcome.value(trial, place)
            metrics += [Metric(f"best/{name}", value, ended, 0)] if value == value else []  # noqa: PLR0124 - not nan
        if SECONDS in trial.user_attrs:
            metrics.append(Metric("seconds", trial.user_attrs[SECONDS], ended, 0))
        reason = trial.user_attrs.get(REASON)
        self.client.log_batch(
            child,
            metrics=metrics,
            params=[Param(key, value) for key, value in values.items()],
            tags=[RunTag("optuna.reason", reason[:5000])] if reason else [],
        )
        self.client.set_terminated(child, "FAILED" if trial.state is TrialState.FAIL else "FINISHED", ended)
        self._written.add(str(trial.number))

    def finish(self, outcome: Outcome) -> None:
        """Write the outcome to the parent run: metrics, table, plots, and what the winner is found by."""
        report = outcome.report()
        best = outcome.best
        now = int(time.time() * 1000)
        metrics = [
            Metric(f"best/{name}", outcome.value(best, place), now, 0)
            for place, name in enumerate(outcome.study.sweep.objectives)
        ]
        # As tags: a chart of counts beside models' metrics is of no use
        counts = ("trials", "pruned", "failed", "seeded", "spared_seconds")
        tags = {
            **{f"optuna.{count}": str(report[count]) for count in counts},
            "optuna.best_trial": str(best.number),
            winner.TAG: winner.digest(outcome.hparams),
        }
        self.client.log_batch(self.parent, metrics, tags=[RunTag(*tag) for tag in tags.items()])
        self.client.log_table(self.parent, outcome.table().to_dict(as_series=False), "tables/trials.json")
        for plot, figure in plots.draw(outcome):
            self.client.log_figure(self.parent, figure, f"plots/{plot}.png", save_kwargs={"bbox_inches": "tight"})
        if page := plots.page(outcome):
            self.client.log_text(self.parent, page, "plots/sweep.html")
        self.client.set_terminated(self.parent)

    def leave(self, status: str) -> None:
        """Say that the sweep stopped before its end."""
        if self.parent:
            self.client.set_terminated(self.parent, status)

    def _make_parent(self, study: Study) -> str:
        sweep = study.sweep
        run = self.client.create_run(
            self.experiment_id,
            run_name=f"sweep of {sweep.trials} · {self.params.registry.name}",
            tags=lineage.tags()
            | {
                "optuna.study": study.name,
                "optuna.sampler": sweep.sampler,
                "optuna.pruner": sweep.pruner,
                "optuna.seed": str(sweep.seed),
                "optuna.storage": kind(study.storage),
                "optuna.objectives": ", ".join(sweep.objectives),
            },
        )
        params = [Param(key, value) for key, value in flat(self.params).items()]
        for first in range(0, len(params), BATCH):
            self.client.log_batch(run.info.run_id, params=params[first : first + BATCH])
        study.optuna.set_user_attr(RUN, run.info.run_id)
        return str(run.info.run_id)

    def _children(self) -> list[Any]:
        found, token = [], None
        while True:
            page = self.client.search_runs(
                [self.experiment_id], f"tags.`{PARENT}` = '{self.parent}'", page_token=token
            )
            found += list(page)
            token = page.token
            if not token:
                return found


def _milliseconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment else None


class Watched:
    """A sweep's watcher in the pipeline: shows how it goes, and writes it to MLflow.

    MLflow is connected to when the first workers have work, since both take seconds to begin.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.display = display()
        self.runs: SweepRuns | None = None

    def __enter__(self) -> "Watched":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.display.finish()
        if kind is not None and self.runs is not None:
            self.runs.leave("KILLED" if kind is KeyboardInterrupt else "FAILED")

    def note(self, line: str) -> None:
        """Show it."""
        self.display.note(line)

    def begin(self, study: Study) -> None:
        """Connect, and show what there is."""
        self.runs = SweepRuns(self.params)
        self.runs.begin(study)
        self.display.begin(study)

    def epoch(self, trial: FrozenTrial, epoch: Epoch) -> None:
        """Show it."""
        self.display.epoch(trial, epoch)

    def ended(self, trial: FrozenTrial) -> None:
        """Show it, and write it down."""
        self.display.ended(trial)
        if self.runs is not None:
            self.runs.ended(trial)

    def tick(self) -> None:
        """Show that time has passed."""
        self.display.tick()

    def finish(self, outcome: Outcome) -> None:
        """Write the outcome, and say what pruning spared."""
        self.display.finish()
        if self.runs is not None:
            self.runs.finish(outcome)
        if outcome.spared:
            print(f"pruning spared about {duration(outcome.spared)} of training")
        if len(outcome.study.sweep.objectives) > 1:
            print(f"Pareto front: trials {', '.join(str(trial.number) for trial in outcome.front)}")
