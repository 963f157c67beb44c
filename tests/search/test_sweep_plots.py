"""Plots of studies whose trials follow a formula."""

import re
from pathlib import Path

import pytest
from optuna.trial import TrialState, create_trial

from carousel.search.outcome import Outcome
from carousel.search.plots import draw, page
from carousel.search.storage import open_storage
from carousel.search.study import Study
from tests.search.stand_in import HPARAMS, formula, sweep

OF_ONE_OBJECTIVE = {
    "optimization_history",
    "intermediate_values",
    "param_importances",
    "parallel_coordinate",
    "slice",
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return formula(tmp_path_factory.mktemp("plots") / "journal", sweep(10, epochs=3))


def several(place: Path) -> Outcome:
    """A study of two objectives of ten trials, all but the first and the last worse than the first in both."""
    study = Study(
        open_storage(place), sweep(10, objectives=["val_accuracy", "megabytes"]), HPARAMS, documents=["these"]
    )
    for accuracy, size in ((0.8, 2.0), *[(0.7, 3.0)] * 8, (0.6, 1.0)):
        proposed = study.propose()
        assert proposed is not None
        study.begin(proposed)
        study.end(proposed._trial_id, TrialState.COMPLETE, [accuracy, size])
    return Outcome(study)


def test_a_study_of_one_objective_has_each_picture_and_something_is_drawn_on_it(outcome: Outcome) -> None:
    drawn = dict(draw(outcome))
    assert set(drawn) == OF_ONE_OBJECTIVE
    for name, figure in drawn.items():
        marks = [
            mark for axes in figure.axes for mark in [*axes.lines, *axes.collections, *axes.patches, *axes.texts]
        ]
        assert marks, name
        assert (figure.get_figwidth() >= 10, figure.get_figheight()) == (True, 6)
        assert figure.get_suptitle()
        assert not any(axes.get_title() or axes.get_title(loc="left") for axes in figure.axes)  # Optuna's own


def test_a_legend_of_many_trials_does_not_fill_the_picture(tmp_path: Path) -> None:
    for count, named in ((10, True), (15, False)):
        outcome = formula(tmp_path / str(count), sweep(count))
        figure = dict(draw(outcome))["intermediate_values"]
        assert (figure.axes[0].get_legend() is not None) == named


def test_the_page_holds_every_plot_and_loads_nothing(outcome: Outcome) -> None:
    written = page(outcome)
    assert written.count("Plotly.newPlot(") == len(OF_ONE_OBJECTIVE)
    assert f"<h1>{outcome.study.name}</h1>" in written
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", written)
    assert written.count("plotly.js v") == 1  # the library once, not once a plot


def test_several_objectives_have_a_front_and_no_history(tmp_path: Path) -> None:
    outcome = several(tmp_path / "journal")
    assert [trial.number for trial in outcome.front] == [0, 9]
    assert set(dict(draw(outcome))) == {
        "pareto_front", "param_importances", "parallel_coordinate", "slice",
    }  # fmt: skip
    assert "Pareto front" in page(outcome)


@pytest.mark.parametrize("trials", [1, 9])
def test_fewer_than_ten_completed_trials_have_no_picture(trials: int, tmp_path: Path) -> None:
    outcome = formula(tmp_path / "journal", sweep(trials))
    assert not dict(draw(outcome))
    assert page(outcome) == ""
    none = Study(open_storage(tmp_path / "none"), sweep(2), HPARAMS, documents=["these"])
    none.optuna.add_trial(create_trial(state=TrialState.FAIL))
    assert not dict(draw(Outcome(none)))


def test_the_title_names_the_study(outcome: Outcome) -> None:
    assert all(figure.get_suptitle().endswith(f": {outcome.study.name}") for _, figure in draw(outcome))
