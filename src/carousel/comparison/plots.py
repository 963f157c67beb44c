"""Plots for the page that compares two models."""

from typing import TYPE_CHECKING

import numpy as np

from carousel.comparison.paired import Comparison
from carousel.evaluation.plots import BLUE, MAX_NAMED, ORANGE, empty_figure, named_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def differences(comparison: Comparison) -> "Figure":
    """Draw B - A of each metric with its interval, in percentage points, and a line where they are equal."""
    figure = empty_figure((7.5, 1.9))
    axes = figure.subplots()
    names = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
    for row, name in enumerate(reversed(names)):
        metric = comparison.metrics[name]
        low, middle, high = (100 * share for share in (metric.low, metric.difference, metric.high))
        axes.plot([low, high], [row, row], color=BLUE, linewidth=3, solid_capstyle="butt")
        axes.plot([middle], [row], "o", color=BLUE, markersize=8)
    axes.axvline(0, color="black", linewidth=0.8, linestyle="--")
    reach = 1.15 * max(1.0, *(abs(x) for x in axes.get_xlim()))
    axes.set(xlim=(-reach, reach), ylim=(-0.6, 1.6), xlabel="← A is better    points    B is better →")
    axes.set_yticks([1, 0], list(names.values()))
    return figure


def labels_apart(comparison: Comparison) -> "Figure":
    """Draw both models' recall of each label, the label that B gained most first."""
    parts = sorted((part for part in comparison.by_label if part.documents), key=lambda part: part.difference)
    figure = empty_figure((7.5, min(1.8 + 0.3 * len(parts), 14)))
    axes = figure.subplots()
    rows, a, b = range(len(parts)), [part.a for part in parts], [part.b for part in parts]
    axes.hlines(rows, a, b, color="#bbbbbb", linewidth=2, zorder=1)
    axes.scatter(a, rows, color=ORANGE, label="A", zorder=2)
    axes.scatter(b, rows, color=BLUE, label="B", zorder=3)
    if len(parts) <= MAX_NAMED:
        named = [f"{part.name} (n={part.documents})" for part in parts]
        axes.set_yticks(rows, named_ticks(named), parse_math=False)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(parts) - 0.4), xlabel="recall")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def lengths_apart(comparison: Comparison) -> "Figure":
    """Draw both models' accuracy by document length, with each range's number of documents."""
    parts = comparison.by_length
    figure = empty_figure((7.5, 3.2))
    axes = figure.subplots()
    places = np.arange(len(parts))
    axes.bar(places - 0.2, [part.a for part in parts], 0.4, color=ORANGE, label="A")
    axes.bar(places + 0.2, [part.b for part in parts], 0.4, color=BLUE, label="B")
    axes.set_xticks(places, [f"{part.name}\nn={part.documents}" for part in parts])
    axes.set(ylim=(0, 1.02), xlabel="tokens in the document", ylabel="accuracy")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
