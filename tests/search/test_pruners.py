import optuna
import pytest
from optuna.trial import TrialState

from carousel.search.pruners import PRUNERS


def stopped_after(name: str, epochs: int, value: float) -> int | None:
    """Return the epoch, from 1, after which a third trial stops, where the two before had 0.8 after each epoch."""
    study = optuna.create_study(direction="maximize", pruner=PRUNERS[name](epochs))
    for _ in range(2):
        trial = study.ask()
        for epoch in range(epochs):
            trial.report(0.8, epoch)
        study.tell(trial, 0.8, TrialState.COMPLETE)
    trial = study.ask()
    for epoch in range(epochs):
        trial.report(value, epoch)
        if trial.should_prune():
            return epoch + 1
    return None


@pytest.mark.parametrize("name", ["median", "percentile"])
@pytest.mark.parametrize(("epochs", "stopped"), [(1, 1), (2, 1), (3, 2), (6, 2)])
def test_the_first_epoch_is_spared_if_trials_have_more_than_two(name: str, epochs: int, stopped: int) -> None:
    assert stopped_after(name, epochs, 0.5) == stopped
    assert stopped_after(name, epochs, 0.9) is None


def test_none_stops_nothing() -> None:
    assert stopped_after("none", 3, 0.0) is None
