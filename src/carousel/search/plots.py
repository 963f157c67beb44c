"""A study's plots, and the same as one interactive page."""

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from carousel.search.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Title by the name of Optuna's function; the same names make static plots and interactive figures
ONE = {
    "plot_optimization_history": "Best value by trial",
    "plot_intermediate_values": "Every trial by epoch",
}
SEVERAL = {"plot_pareto_front": "Pareto front"}
# These compare values of the space, of at least two trials
SPACE = {
    "plot_param_importances": "Importance of each key",
    "plot_parallel_coordinate": "All keys at once",
    "plot_slice": "Each key alone",
}
LEAST_TRIALS = 10  # completed ones; plots of fewer show chance
MOST_NAMED = 10  # trials in a legend
MOST_FRONT = 3  # objectives that a Pareto front can be drawn of


def draw(outcome: Outcome) -> Iterator[tuple[str, "Figure"]]:
    """Yield the name and the figure of each plot that the trials are enough for; none of fewer than ten."""
    if not _enough(outcome):
        return  # before imports that take a second
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from optuna.visualization import matplotlib as drawn

    for name, title, figure in _figures(outcome, drawn):
        axes: Any = figure
        panels = list(axes.flat) if hasattr(axes, "flat") else [axes]
        yield (
            name.removeprefix("plot_"),
            _arranged(panels, f"{title}: {outcome.study.name}", outcome.study.sweep.objectives[0]),
        )
        plt.close(panels[0].figure)


def _arranged(panels: list[Any], title: str, objective: str) -> "Figure":
    """Give Optuna's plot our words, and room for them."""
    figure: Any = panels[0].figure
    figure.set_size_inches(max(10, 2.8 * len(panels)), 6)
    for axes in figure.axes:
        for side in ("center", "left"):
            axes.set_title("", loc=side)
        if axes.get_ylabel() in ("Objective Value", "Intermediate Value"):
            axes.set_ylabel(objective)
        if axes.get_xlabel() == "Step":
            axes.set_xlabel("epoch, from 0")
        legend = axes.get_legend()
        if legend is not None and len(legend.get_texts()) > MOST_NAMED:
            legend.remove()  # it would be larger than the plot
    if len(panels) > 1:
        for axes in panels:
            axes.tick_params(axis="x", which="both", rotation=45)
    figure.suptitle(title)
    whole: Figure = figure
    return whole


def page(outcome: Outcome) -> str:
    """Return an HTML page with every plot, interactive, that needs nothing else; empty if no plot is drawn."""
    if not _enough(outcome):
        return ""
    import html

    from optuna import visualization

    title = html.escape(outcome.study.name)
    parts = [
        figure.update_layout(title=title_of).to_html(full_html=False, include_plotlyjs=place == 0)
        for place, (_, title_of, figure) in enumerate(_figures(outcome, visualization))
    ]
    return f'<!doctype html><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{"".join(parts)}\n'


def _complete(outcome: Outcome) -> list[FrozenTrial]:
    return [trial for trial in outcome.study.trials if trial.state is TrialState.COMPLETE]


def _enough(outcome: Outcome) -> bool:
    return len(_complete(outcome)) >= LEAST_TRIALS


def _figures(outcome: Outcome, module: Any) -> Iterator[tuple[str, str, Any]]:
    objectives, complete = outcome.study.sweep.objectives, _complete(outcome)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.simplefilter("ignore", UserWarning)  # of trials that did not complete, which are left out
        if 1 < len(objectives) <= MOST_FRONT:
            yield (
                "plot_pareto_front",
                SEVERAL["plot_pareto_front"],
                _draw(module.plot_pareto_front, outcome, target_names=list(objectives)),
            )
        if len(objectives) == 1:
            for name, title in ONE.items():
                yield name, title, _draw(getattr(module, name), outcome)
        if len({tuple(trial.params.items()) for trial in complete}) < 2:
            return
        for name, title in SPACE.items():
            if name == "plot_param_importances" and len({trial.values[0] for trial in complete}) < 2:
                continue  # nothing made a difference
            target = None if len(objectives) == 1 else _first
            yield name, title, _draw(getattr(module, name), outcome, target=target, target_name=objectives[0])


def _draw(function: Callable[..., Any], outcome: Outcome, **settings: Any) -> Any:
    return function(outcome.study.optuna, **settings)


def _first(trial: Any) -> float:
    return float(trial.values[0])
