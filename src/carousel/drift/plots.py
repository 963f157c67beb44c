"""Plots for the page that shows a drift."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from carousel.drift.comparison import UNKNOWN, Drift, Shift
from carousel.plotting import BLUE, MAX_NAMED, ORANGE, empty_figure, named_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 0.4  # of a bar


def distribution(shift: Shift) -> "Figure":
    """Draw both histograms of a shift, in percent: columns for ranges of numbers, else a pair of bars a name."""
    if shift.title == UNKNOWN:
        return _bars(shift, 1)  # what is not out of vocabulary is known
    return _columns(shift) if shift.ordered else _bars(shift, len(shift.bins))


def _columns(shift: Shift) -> "Figure":
    figure = empty_figure((7.5, 3.2))
    axes = figure.subplots()
    places = np.arange(len(shift.bins))
    for offset, fractions, colour, label in _sides(shift):
        axes.bar(places + offset, 100 * np.array(fractions), WIDTH, color=colour, label=label)
    axes.set_xticks(places, shift.bins, rotation=40, ha="right", rotation_mode="anchor")
    axes.set(xlabel=shift.title, ylabel="%")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _bars(shift: Shift, rows: int) -> "Figure":
    figure = empty_figure((7.5, min(1.1 + 0.36 * rows, 16)))
    axes = figure.subplots()
    places = np.arange(rows)
    for offset, fractions, colour, label in _sides(shift):
        axes.barh(places + offset, 100 * np.array(fractions[:rows]), WIDTH, color=colour, label=label)
    shown = named_ticks(shift.bins[:rows]) if rows <= MAX_NAMED else []
    axes.set_yticks(places[: len(shown)], shown, parse_math=False)
    axes.set(xlabel="%", xlim=(0, max(1, axes.get_xlim()[1])), ylim=(rows - 0.4, -0.6))  # tiny rates stay tiny
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _sides(shift: Shift) -> tuple[tuple[float, tuple[float, ...], str, str], ...]:
    """Return offset, fractions, colour and name of both histograms."""
    return (-WIDTH / 2, shift.reference, ORANGE, "test split"), (WIDTH / 2, shift.current, BLUE, "now")


def by_day(days: Sequence[tuple[date, Drift]], limit: float) -> "Figure":
    """Draw the index of each distribution by day, and its limit."""
    figure = empty_figure((7.5, 3.2))
    axes = figure.subplots()
    first = days[0][1].shifts
    colours = (ORANGE, BLUE, "#5a9a68", "#8a63a8")
    for number, (shift, colour) in enumerate(zip(first, colours, strict=True)):
        values = [drift.shifts[number].psi for _, drift in days]
        axes.plot([day.toordinal() for day, _ in days], values, "o-", color=colour, markersize=4, label=shift.title)
    axes.axhline(limit, color="black", linewidth=0.8, linestyle="--", label="limit")
    step = -(-len(days) // 8)
    ticks = [day for day, _ in days[::step]]
    axes.set_xticks([day.toordinal() for day in ticks], [f"{day:%m-%d}" for day in ticks])
    axes.set(ylim=(0, None), ylabel="stability index")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
