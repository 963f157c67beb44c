import pytest

from carousel.errors import UserError
from carousel.params import Range
from carousel.search.samplers import SAMPLERS, check, exhausted
from carousel.search.space import points
from carousel.tasks.classification.params import Params
from tests.search.stand_in import formula, found, sweep

RANGES = {
    "train.learning_rate": Range(low=0.001, high=0.1, log=True),
    "model.dropout": Range(low=0.0, high=0.5),
    "model.hidden_size": Range(low=4, high=12),
}
MIXED = {**RANGES, "model.bidirectional": [True, False]}
STEPS = {"model.hidden_size": Range(low=4, high=12, step=4), "model.dropout": Range(low=0.0, high=0.5, step=0.25)}
BRANCHES = {
    "model.layers": [1, 2],
    "model.dropout": Range(low=0.0, high=0.5, step=0.25, when={"model.layers": [2]}),
    "model.embedding_size": Range(low=4, high=12, step=4),
}
RANGE_BRANCHES = {
    "model.layers": Range(low=1, high=2),
    "model.dropout": Range(low=0, high=0.5, when={"model.layers": [2]}),
}
SUITED = {
    "tpe": [RANGES, MIXED, STEPS, BRANCHES],
    "random": [RANGES, MIXED, STEPS, BRANCHES],
    "grid": [STEPS, BRANCHES],
    "qmc": [RANGES, MIXED, STEPS],
    "gp": [MIXED, STEPS],
    "cmaes": [RANGES, STEPS],
    "brute_force": [STEPS, BRANCHES],
}


def space(of):
    """Return a space as params.yaml makes it, checked."""
    return Params.model_validate({"sweep": {"space": of}}).sweep.space


@pytest.mark.parametrize(
    ("sampler", "of"), [(sampler, of) for sampler, spaces in SUITED.items() for of in range(len(spaces))]
)
def test_a_sweep_that_stops_after_each_trial_is_the_one_that_does_not(tmp_path, sampler, of):
    wanted = SUITED[sampler][of]
    count = 14 if sampler == "gp" else 7  # Optuna's draws at random until it has ten
    whole = formula(tmp_path / "whole", sweep(count, sampler=sampler, space=space(wanted)))
    for trials in range(1, count + 1):
        parts = formula(tmp_path / "parts", sweep(trials, sampler=sampler, space=space(wanted)))
    assert found(parts) == found(whole)
    # No trial is another one again, and a small space comes to its end
    assert len(whole.trials) == (
        count if wanted in (RANGES, MIXED) else min(count, len(list(points(space(wanted)))))
    )
    different = {tuple(sorted(trial.params.items())) for trial in whole.trials}
    assert len(different) == len(whole.trials)


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "grid"])
def test_another_seed_tries_other_values(tmp_path, sampler):
    wanted = space(SUITED[sampler][0])
    one, other = (
        formula(tmp_path / str(seed), sweep(6, sampler=sampler, seed=seed, space=wanted)) for seed in (1, 2)
    )
    assert [trial.params for trial in one.trials] != [trial.params for trial in other.trials]


@pytest.mark.parametrize(
    ("sampler", "of"), [(sampler, of) for of in (STEPS, BRANCHES) for sampler in SAMPLERS if of in SUITED[sampler]]
)
def test_every_combination_is_tried_once_and_then_the_sweep_ends(tmp_path, sampler, of):
    wanted = sweep(100, sampler=sampler, space=space(of))
    outcome = formula(tmp_path / "journal", wanted)
    tried = sorted(str(sorted(trial.params.items())) for trial in outcome.trials)
    assert tried == sorted(str(sorted(values.items())) for values in points(wanted.space))
    assert exhausted(wanted, outcome.study.trials)


def test_a_grid_goes_in_the_order_in_which_it_is_written(tmp_path):
    wanted = sweep(100, sampler="grid", space=space(STEPS))
    tried = [trial.params for trial in formula(tmp_path / "journal", wanted).trials]
    own = {"model.hidden_size": 8, "model.dropout": 0.0}
    assert tried == [own, *(values for values in points(wanted.space) if values != own)]


@pytest.mark.parametrize(
    ("sampler", "of", "message"),
    [
        ("cmaes", MIXED, "cmaes takes ranges only, and model.bidirectional has choices"),
        ("cmaes", RANGE_BRANCHES,
         "cmaes takes no conditions"),
        ("qmc", BRANCHES, "qmc takes no conditions"),
        ("gp", BRANCHES, "gp takes no conditions"),
        ("grid", RANGES, "grid tries every value, and train.learning_rate has no end of them: give it a step"),
        ("brute_force", MIXED, "brute_force tries every value, and train.learning_rate"),
    ],
)  # fmt: skip
def test_a_sampler_that_cannot_search_the_space_says_so_first(sampler, of, message):
    with pytest.raises(UserError, match=rf"^params\.yaml: sweep\.sampler: {message}"):
        check(sweep(sampler=sampler, space=space(of)))


def test_cmaes_takes_one_objective():
    with pytest.raises(UserError, match="cmaes takes one objective only"):
        check(sweep(sampler="cmaes", objectives=["val_accuracy", "megabytes"], space=space(RANGES)))


@pytest.mark.parametrize(("sampler", "spaces"), SUITED.items())
def test_what_suits_is_not_refused(sampler, spaces):
    for of in spaces:
        check(sweep(sampler=sampler, space=space(of)))
