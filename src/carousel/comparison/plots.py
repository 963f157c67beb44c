"""Plots for the page that compares two models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from carousel.comparison.paired import Comparison, Slice
from carousel.plotting import BLUE, MAX_NAMED, ORANGE, empty_figure, named_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def differences(comparison: Comparison) -> "Figure":
    """Draw B - A of each metric with its interval, in percentage points, and a line where they are equal."""
    figure = empty_figure((7.5, 0.9 + 0.5 * len(comparison.declared)))
    axes = figure.subplots()
    declared = comparison.declared
    for row, metric in enumerate(reversed(declared)):
        found = comparison.metrics[metric.name]
        low, middle, high = (100 * value for value in (found.low, found.difference, found.high))
        axes.plot([low, high], [row, row], color=BLUE, linewidth=3, solid_capstyle="butt")
        axes.plot([middle], [row], "o", color=BLUE, markersize=8)
    axes.axvline(0, color="black", linewidth=0.8, linestyle="--")
    reach = 1.15 * max(1.0, *(abs(x) for x in axes.get_xlim()))
    axes.set(
        xlim=(-reach, reach), ylim=(-0.6, len(declared) - 0.4), xlabel="← A is better    points    B is better →"
    )
    axes.set_yticks(range(len(declared)), [metric.title for metric in reversed(declared)])
    return figure


def classes_apart(parts: Sequence[Slice], score: str) -> "Figure":
    """Draw both models' score of each class, the class that B gained most first."""
    parts = sorted((part for part in parts if part.examples), key=lambda part: part.difference)
    figure = empty_figure((7.5, min(1.8 + 0.3 * len(parts), 14)))
    axes = figure.subplots()
    rows, a, b = range(len(parts)), [part.a for part in parts], [part.b for part in parts]
    axes.hlines(rows, a, b, color="#bbbbbb", linewidth=2, zorder=1)
    axes.scatter(a, rows, color=ORANGE, label="A", zorder=2)
    axes.scatter(b, rows, color=BLUE, label="B", zorder=3)
    if len(parts) <= MAX_NAMED:
        named = [f"{part.name} (n={part.examples})" for part in parts]
        axes.set_yticks(rows, named_ticks(named), parse_math=False)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(parts) - 0.4), xlabel=score)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def lengths_apart(parts: Sequence[Slice], score: str, example: str) -> "Figure":
    """Draw both models' score by length, with each range's number of examples."""
    figure = empty_figure((7.5, 3.2))
    axes = figure.subplots()
    places = np.arange(len(parts))
    axes.bar(places - 0.2, [part.a for part in parts], 0.4, color=ORANGE, label="A")
    axes.bar(places + 0.2, [part.b for part in parts], 0.4, color=BLUE, label="B")
    axes.set_xticks(places, [f"{part.name}\nn={part.examples}" for part in parts])
    axes.set(ylim=(0, 1.02), xlabel=f"tokens in the {example}", ylabel=score)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
