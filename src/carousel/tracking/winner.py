"""The link between a sweep and the run that trains its winner, by tags on both."""

from typing import TYPE_CHECKING

from carousel.files import json_digest
from carousel.params import Hparams
from carousel.tracking import lineage

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAG = "sweep.winner"  # of a sweep: the digest that its winner's training is found by


def digest(hparams: Hparams) -> str:
    """Return a digest of hyperparameters and this checkout's data."""
    return json_digest([hparams.model_dump(), lineage.data_digests()])[:16]


def link(client: "MlflowClient", experiment_id: str, run_id: str, hparams: Hparams) -> None:
    """Link the run of a training with the latest sweep that these hyperparameters won, if there is one."""
    sweeps = client.search_runs(
        [experiment_id], f"tags.`{TAG}` = '{digest(hparams)}'", max_results=1, order_by=["start_time DESC"]
    )
    for sweep in sweeps:
        client.set_tag(run_id, "sweep.run", sweep.info.run_id)
        client.set_tag(run_id, "sweep.trial", sweep.data.tags.get("optuna.best_trial", ""))
        client.set_tag(sweep.info.run_id, "sweep.trained_run", run_id)
