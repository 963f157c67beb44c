"""What a trial is judged by: figures of its best epoch, and what its model costs."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from carousel.corpus.encoded import Encoded
from carousel.params import Objective

if TYPE_CHECKING:
    from carousel.training.fit import Fitted

DIRECTIONS: dict[Objective, Literal["maximize", "minimize"]] = {
    "val_accuracy": "maximize",
    "val_macro_f1": "maximize",
    "val_loss": "minimize",
    "ms_per_document": "minimize",
    "megabytes": "minimize",
}


def measure(objective: Objective, fitted: "Fitted", val: Encoded) -> float:
    """Return an objective of a trained model: a cost, or a figure of the epoch whose weights it has."""
    return COSTS[objective](fitted, val) if objective in COSTS else fitted.best[objective]


def _ms_per_document(fitted: "Fitted", val: Encoded) -> float:
    """Milliseconds that the model takes for a validation document, in batches: the faster of two passes."""
    import torch

    from carousel.training.batches import Batches

    batches = list(Batches(val, batch_tokens=4096))
    passes = []
    with torch.inference_mode():
        for _ in range(2):
            began = time.perf_counter()
            for ids, lengths, _targets in batches:
                fitted.model(ids, lengths)
            passes.append(time.perf_counter() - began)
    return 1000 * min(passes) / len(val)


def _megabytes(fitted: "Fitted", _val: Encoded) -> float:
    """Megabytes of the model's weights on disk."""
    return float(sum(weights.nbytes for weights in fitted.model.state_dict().values())) / 1e6


COSTS: dict[Objective, Callable[["Fitted", Encoded], float]] = {
    "ms_per_document": _ms_per_document,
    "megabytes": _megabytes,
}
