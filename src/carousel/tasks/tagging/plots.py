"""Plots of a tagger's evaluation.

The argument `model` names the model, its data set and the split in the title.
"""

from typing import TYPE_CHECKING

import numpy as np

from carousel.plotting import BLUE, MAX_NAMED, ORANGE, empty_figure, named_ticks, titled
from carousel.tasks.tagging.report import TaggingReport
from carousel.tasks.tagging.scores import METRICS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion(report: TaggingReport, model: str = "") -> "Figure":
    """Draw the confusion matrix of types, each row (actual type) summing to one, counts in the cells.

    For spans, the last column counts actual spans whose boundaries no predicted span has, and the last row
    predicted spans whose boundaries no actual span has.
    """
    table = report.confusion()
    types = sorted({*table["actual"], *table["predicted"]} - {None})
    ends = {"actual": "spurious", "predicted": "missed"}
    places = {name: i for i, name in enumerate(types)}
    side = len(types) + (report.unit == "spans")
    counts = np.zeros((side, side), dtype=np.int64)
    for actual, predicted, count in table.iter_rows():
        counts[places.get(actual, -1), places.get(predicted, -1)] = count
    fraction = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    inches = min(4 + 0.45 * min(side, MAX_NAMED), 14)
    figure = empty_figure((inches + 1, inches))
    axes = figure.subplots()
    image = axes.imshow(fraction, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label=f"fraction of the row's {report.unit}", shrink=0.8)
    axes.set(xlabel="predicted", ylabel="actual")
    name, title = METRICS[0].name, METRICS[0].title
    titled(axes, f"Confusion matrix; {title} {report.metrics()[name]:.3f}", model)
    if side <= MAX_NAMED:
        columns, rows = (named_ticks([*types, ends[axis]][:side]) for axis in ("predicted", "actual"))
        axes.set_xticks(range(side), columns, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
        axes.set_yticks(range(side), rows, parse_math=False)
        for row, column in np.argwhere(counts):
            colour = "white" if fraction[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=9)
    return figure


def f1_by_type(report: TaggingReport, model: str = "") -> "Figure":
    """Draw the F1 of each type, best first, and its precision and recall as dots."""
    table = report.by_type().sort("f1", "type", descending=[False, True])
    figure = empty_figure((7, min(2.5 + 0.3 * table.height, 14)))
    axes = figure.subplots()
    rows = range(table.height)
    axes.barh(rows, table["f1"].to_list(), color="#c9d7e8", label="F1")
    axes.scatter(table["precision"].to_list(), rows, color=ORANGE, label="precision", zorder=2)
    axes.scatter(table["recall"].to_list(), rows, color=BLUE, label="recall", zorder=3)
    if table.height <= MAX_NAMED:
        named = [f"{type_} (n={n})" for type_, n in table.select("type", "support").iter_rows()]
        axes.set_yticks(rows, named_ticks(named), parse_math=False)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.6, max(table.height, 1) - 0.4))
    titled(axes, "F1 by type", model)
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def score_by_length(report: TaggingReport, model: str = "") -> "Figure":
    """Draw F1 by sentence length, with the number of sentences."""
    table, metrics = report.by_length(), report.metrics()
    name, title = METRICS[0].name, METRICS[0].title
    figure = empty_figure((7, 4))
    axes = figure.subplots()
    bars = axes.bar(table["tokens"].to_list(), table[name].to_list(), color=BLUE, edgecolor="white")
    axes.bar_label(bars, [f"n={n}" for n in table["sentences"]], padding=2, fontsize=9)
    axes.axhline(metrics[name], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="tokens in the sentence", ylabel=title, ylim=(0, 1.08))
    titled(axes, f"{title} by length", model)
    return figure
