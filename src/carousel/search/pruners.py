"""Pruners: which trials stop before their last epoch. A trial reports after each epoch."""

from collections.abc import Callable

from optuna import pruners
from optuna.pruners import BasePruner


def _spared(epochs: int) -> int:
    """Return how many epochs no trial is stopped after: the first, unless it is the only one before the last."""
    return min(1, max(0, epochs - 2))


def median(epochs: int) -> BasePruner:
    """Stop what is worse than the median of at least two others at the same epoch."""
    return pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=_spared(epochs))


# By name, for trials of so many epochs
PRUNERS: dict[str, Callable[[int], BasePruner]] = {
    "median": median,
    # the better three quarters go on
    "percentile": lambda epochs: pruners.PercentilePruner(75.0, n_startup_trials=2, n_warmup_steps=_spared(epochs)),
    "successive_halving": lambda _: pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
    "hyperband": lambda epochs: pruners.HyperbandPruner(min_resource=1, max_resource=epochs),
    # what got worse for an epoch, and is below the median
    "patient": lambda epochs: pruners.PatientPruner(median(epochs), patience=1),
    "none": lambda _: pruners.NopPruner(),
}
