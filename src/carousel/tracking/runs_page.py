"""The page of MLflow's UI that lists an experiment's runs, with the columns that matter."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from carousel.metric import Metric

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEY = "carousel"
TAG = f"mlflow.sharedViewState.{KEY}"  # of the experiment: what the UI's own "share view" writes


def link(client: "MlflowClient", name: str, metrics: Sequence[Metric], *, writable: bool) -> str:
    """Return the path of an experiment's page in MLflow's UI; of its first page if there is no such experiment.

    MLflow keeps a user's columns in the browser, but also reads them from a tag that the address names.

    Args:
        client: of the store.
        name: of the experiment.
        metrics: of the task; the first one stands first.
        writable: whether the tag may be set.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return "/#/experiments"
    view = _view(metrics)
    if writable and experiment.tags.get(TAG) != view:
        client.set_experiment_tag(experiment.experiment_id, TAG, view)
    page = f"/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"
    return f"{page}&viewStateShareKey={KEY}" if writable or TAG in experiment.tags else page


def _view(metrics: Sequence[Metric]) -> str:
    columns = [
        *(f"metrics.`test/{metric.name}`" for metric in metrics),
        f"metrics.`baseline/{metrics[0].name}`",
        f"metrics.`best/val_{metrics[0].name}`",
        "attributes.`Duration`",
    ]
    return json.dumps({"selectedColumns": columns})
