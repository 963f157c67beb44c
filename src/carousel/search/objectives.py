"""What a trial is judged by: metrics of its best epoch, and what its model costs."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from carousel.corpus.training_data import TrainingData
from carousel.params import Objective
from carousel.task import find

if TYPE_CHECKING:
    from carousel.training.fit import Fitted


def maximizes(objective: Objective, task: str) -> bool:
    """Return whether a higher value of an objective is better: never of the loss or of a cost."""
    metrics = {f"val_{metric.name}": metric for metric in find(task).metrics}
    return objective in metrics and metrics[objective].higher_is_better


def measure(objective: Objective, fitted: "Fitted", data: TrainingData) -> float:
    """Return an objective of a trained model: a cost, or a metric of the epoch whose weights it has."""
    return COSTS[objective](fitted, data) if objective in COSTS else fitted.best[objective]


def _ms_per_document(fitted: "Fitted", data: TrainingData) -> float:
    """Milliseconds that the model takes for a validation example, in batches: the faster of two passes."""
    import torch

    assert data.val is not None
    batches = list(fitted.learner.batches(data.val, batch_tokens=4096))
    passes = []
    with torch.inference_mode():
        for _ in range(2):
            began = time.perf_counter()
            for number, batch in enumerate(batches):
                fitted.learner.predict_step(batch, number)
            passes.append(time.perf_counter() - began)
    return 1000 * min(passes) / len(data.val)


def _megabytes(fitted: "Fitted", _data: TrainingData) -> float:
    """Megabytes of the model's weights on disk."""
    return float(sum(weights.nbytes for weights in fitted.model.state_dict().values())) / 1e6


COSTS: dict[Objective, Callable[["Fitted", TrainingData], float]] = {
    "ms_per_document": _ms_per_document,
    "megabytes": _megabytes,
}
