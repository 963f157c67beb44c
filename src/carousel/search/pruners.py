"""Pruners: which trials stop before their last epoch. A trial reports after each epoch."""

from collections.abc import Callable

from optuna import pruners
from optuna.pruners import BasePruner


def median() -> BasePruner:
    """Stop what is worse than the median of at least two others at the same epoch; the first epoch is spared."""
    return pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1)


# By name, for trials of so many epochs
PRUNERS: dict[str, Callable[[int], BasePruner]] = {
    "median": lambda _: median(),
    # the better three quarters go on
    "percentile": lambda _: pruners.PercentilePruner(75.0, n_startup_trials=2, n_warmup_steps=1),
    "successive_halving": lambda _: pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
    "hyperband": lambda epochs: pruners.HyperbandPruner(min_resource=1, max_resource=epochs),
    # what got worse for an epoch, and is below the median
    "patient": lambda _: pruners.PatientPruner(median(), patience=1),
    "none": lambda _: pruners.NopPruner(),
}
