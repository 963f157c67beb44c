import math
import re

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import RandomSampler
from pydantic import ValidationError

from carousel.errors import UserError
from carousel.params import Between, Choices, Range, replace
from carousel.search.space import first_values, inside, points, suggest
from carousel.tasks.classification.params import Hparams, Model, Params, Sweep, Train

BASE = Hparams(model=Model(hidden_size=24, dropout=0.5), train=Train(learning_rate=0.01, epochs=5))

SPACE = {
    "model.cell": ["lstm", "gru"],
    "model.bidirectional": [True, False],
    "model.layers": [1, 2],
    "model.hidden_size": Range(low=8, high=40, step=8),
    "model.embedding_size": Range(low=4, high=256, log=True),
    "model.dropout": Range(low=0.1, high=0.7, step=0.2),
    "train.epochs": Range(low=1, high=9),
    "train.learning_rate": Range(low=0.0001, high=0.1, log=True),
    "train.weight_decay": Range(low=0.0, high=0.5),
}


def value(hparams, key):
    section, name = key.split(".")
    return getattr(getattr(hparams, section), name)


def suggested(space, count=1, seed=0, hparams=BASE, enqueued=()):
    """Return what a study of random trials suggests."""
    study = optuna.create_study(sampler=RandomSampler(seed=seed))
    for values in enqueued:
        study.enqueue_trial(values)
    return [suggest(study.ask(), space, hparams) for _ in range(count)]


# Every suggestion lies in the space


@given(seed=st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_a_suggestion_is_inside_and_keeps_every_other_value(seed):
    (found,) = suggested(SPACE, seed=seed)
    values = inside(SPACE, found)
    assert values == {key: value(found, key) for key in SPACE}
    for key, was in [(f"model.{name}", was) for name, was in BASE.model] + [
        (f"train.{name}", was) for name, was in BASE.train
    ]:
        if key not in SPACE:
            assert value(found, key) == was
        assert type(value(found, key)) is type(was)


def test_an_empty_space_changes_nothing():
    assert suggested({}) == [BASE]
    assert inside({}, BASE) == {}


def test_whole_numbers_stay_whole_and_are_spread_over_the_range():
    found = {hparams.train.epochs for hparams in suggested(SPACE, 200)}
    assert found == set(range(1, 10))
    assert all(type(number) is int for number in found)


def test_a_step_is_kept():
    found = suggested(SPACE, 100)
    assert {hparams.model.hidden_size for hparams in found} == {8, 16, 24, 32, 40}
    assert sorted({round(hparams.model.dropout, 9) for hparams in found}) == [0.1, 0.3, 0.5, 0.7]


def test_a_log_range_favours_no_order_of_magnitude():
    rates = [hparams.train.learning_rate for hparams in suggested(SPACE, 600)]
    decades = [sum(math.floor(math.log10(rate)) == decade for rate in rates) for decade in (-4, -3, -2)]
    assert sum(decades) == 600
    assert all(150 < count < 250 for count in decades)
    sizes = [hparams.model.embedding_size for hparams in suggested(SPACE, 600)]
    assert 200 < sum(size < 32 for size in sizes) < 400  # half of the magnitudes, an eighth of the numbers


def test_every_choice_is_tried():
    found = suggested(SPACE, 50)
    assert {hparams.model.cell for hparams in found} == {"lstm", "gru"}
    assert {hparams.model.bidirectional for hparams in found} == {True, False}


def test_a_suggestion_is_checked_like_params():
    with pytest.raises(ValueError, match="Input should be 'lstm', 'gru'"):
        suggested({"model.cell": ["xlstm"]})


# Params' own values


def test_the_enqueued_values_are_params_own():
    own = inside(SPACE, BASE)
    (found,) = suggested(SPACE, enqueued=[own])
    assert found == BASE


@given(
    hidden_size=st.integers(1, 60), dropout=st.floats(0, 0.9), learning_rate=st.floats(0.0001, 1), seed=st.just(1)
)
@settings(max_examples=100, deadline=None)
def test_values_are_inside_exactly_when_optuna_takes_them(hidden_size, dropout, learning_rate, seed):
    space = {
        "model.hidden_size": Range(low=10, high=50),
        "model.dropout": Range(low=0.1, high=0.7),
        "train.learning_rate": Range(low=0.001, high=0.1, log=True),
    }
    own = Hparams(model=Model(hidden_size=hidden_size, dropout=dropout), train=Train(learning_rate=learning_rate))
    values = inside(space, own)
    expected = 10 <= hidden_size <= 50 and 0.1 <= dropout <= 0.7 and 0.001 <= learning_rate <= 0.1
    assert (values is not None) == expected
    if values is not None:  # Optuna would warn, and draw others, if it did not take these
        assert suggested(space, seed=seed, enqueued=[values], hparams=own) == [own]


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ({"model.hidden_size": Range(low=8, high=40, step=8)}, True),
        ({"model.hidden_size": Range(low=8, high=40, step=5)}, False),
        ({"model.hidden_size": Range(low=8, high=25, step=2)}, True),
        ({"model.hidden_size": Range(low=25, high=40)}, False),
        ({"model.hidden_size": Range(low=8, high=23)}, False),
        ({"model.dropout": Range(low=0.1, high=0.6, step=0.1)}, True),
        ({"model.dropout": Range(low=0.1, high=0.7, step=0.3)}, False),
        ({"model.cell": ["gru", "rnn"]}, False),
        ({"model.cell": ["lstm"]}, True),
        ({"model.hidden_size": Range(low=8, high=40), "model.cell": ["rnn"]}, False),
    ],
)
# Optuna says so when a range does not end on a step
@pytest.mark.filterwarnings("ignore:The distribution is specified by:UserWarning")
def test_values_between_two_steps_or_of_no_choice_are_outside(space, expected):
    values = inside(space, BASE)
    assert (values is not None) == expected
    if values is not None:
        assert suggested(space, enqueued=[values]) == [BASE]


def test_the_space_of_params_yaml_suits_params():
    params = Params.model_validate({"sweep": {"space": {"model.dropout": {"low": 0.1, "high": 0.6}}}})
    (found,) = suggested(params.sweep.space)
    assert 0.1 <= found.model.dropout <= 0.6


# Conditions

CONDITIONAL = {
    # named before the key that its condition asks
    "model.dropout": Range(low=0.1, high=0.5, step=0.2, when={"model.layers": Between(low=2)}),
    "model.forget_bias": Choices(choices=[0.0, 2.0], when={"model.cell": ["lstm"], "model.layers": [2, 3]}),
    "model.layers": [1, 2, 3],
    "model.cell": ["lstm", "gru"],
}


def test_a_key_is_searched_only_where_its_condition_holds():
    found = suggested(CONDITIONAL, 200)
    assert {hparams.model.dropout for hparams in found if hparams.model.layers == 1} == {BASE.model.dropout}
    assert {round(hparams.model.dropout, 9) for hparams in found if hparams.model.layers > 1} == {0.1, 0.3, 0.5}
    held = [hparams for hparams in found if hparams.model.cell == "lstm" and hparams.model.layers > 1]
    assert {hparams.model.forget_bias for hparams in held} == {0.0, 2.0}
    others = [hparams for hparams in found if hparams not in held]
    assert {hparams.model.forget_bias for hparams in others} == {BASE.model.forget_bias}


def test_a_key_that_is_not_searched_is_no_value_of_a_trial():
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    for _ in range(50):
        trial = study.ask()
        hparams = suggest(trial, CONDITIONAL, BASE)
        assert ("model.dropout" in trial.params) == (hparams.model.layers > 1)
        assert inside(CONDITIONAL, hparams) == trial.params


def test_every_combination_counts_a_key_only_where_it_is_searched():
    found = list(points(CONDITIONAL))
    # layers 1: two cells; layers 2 and 3: three dropouts, with a gru and with an lstm of two biases
    assert len(found) == 2 + 2 * 3 * (1 + 2)
    assert len({tuple(sorted(values.items())) for values in found}) == len(found)
    assert all(inside(CONDITIONAL, replace(BASE, values)) == values for values in found)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"model.dropout": {"low": 0.1, "high": 0.6, "when": {"model.layers": [2]}}},
            "sweep.space.model.dropout.when.model.layers: model.layers is not in sweep.space: add it there",
        ),
        (
            {"model.dropout": {"low": 0.1, "high": 0.6, "when": {"model.layers": [4]}}, "model.layers": [1, 2]},
            "no value that sweep.space.model.layers can have is there",
        ),
        (
            {
                "model.dropout": {"low": 0.1, "high": 0.6, "when": {"model.layers": {"low": 2}}},
                "model.layers": {"choices": [1, 2], "when": {"model.dropout": {"high": 0.3}}},
            },
            "sweep.space: conditions go round in a circle: ",
        ),
        (
            {"model.dropout": {"low": 0.1, "high": 0.6, "when": {"model.layers": {}}}, "model.layers": [1, 2]},
            "says neither low nor high",
        ),
        (
            {
                "model.dropout": {"low": 0.1, "high": 0.6, "when": {"model.layers": {"low": 3, "high": 2}}},
                "model.layers": [1, 2],
            },
            "low 3 is above high 2",
        ),
    ],
)
def test_a_condition_that_never_holds_is_told_before_any_trial(space, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        Params.model_validate({"sweep": {"space": space}})


# What is tried first


def test_params_own_values_come_first_then_what_is_enqueued_each_once():
    sweep = Sweep(
        space=CONDITIONAL,
        enqueue=[{"model.cell": "gru"}, {"model.layers": 2.0, "model.dropout": 0.3}, {"model.cell": "gru"}],
    )
    base = replace(BASE, {"model.forget_bias": 2.0})
    assert first_values(sweep, base) == [
        {"model.layers": 1, "model.cell": "lstm"},
        {"model.layers": 1, "model.cell": "gru"},
        {"model.layers": 2, "model.cell": "lstm", "model.dropout": 0.3, "model.forget_bias": 2.0},
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"model.hidden_size": 8}, "model.hidden_size is not in sweep.space, so no trial can vary it"),
        ({"model.layers": 9}, "lies outside sweep.space"),
        ({"model.dropout": 0.3}, "lies outside sweep.space"),  # with one layer it is not searched
    ],
)
def test_what_is_enqueued_lies_in_the_space(entry, message):
    with pytest.raises(UserError, match=r"params\.yaml: sweep\.enqueue\.0.*" + re.escape(message)):
        first_values(Sweep(space=CONDITIONAL, enqueue=[entry]), BASE)
