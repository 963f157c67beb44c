"""Plots for the page that shows a drift."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from carousel.drift.comparison import Drift, Shift
from carousel.plotting import BLUE, MAX_NAMED, ORANGE, empty_figure, named_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REFERENCE, CURRENT = "test split", "now"  # in legends
SHORT = 14  # characters of a bin's name that fit under a vertical bar


def distribution(shift: Shift) -> "Figure":
    """Draw both histograms of a shift, in percent: side by side, or one above the other where names are long."""
    across = all(len(name) <= SHORT for name in shift.bins) and len(shift.bins) <= 24
    places, width = np.arange(len(shift.bins)), 0.4
    before, now = (100 * np.array(part) for part in (shift.reference, shift.current))
    figure = empty_figure((7.5, 3.0 if across else min(1.4 + 0.36 * len(places), 16)))
    axes = figure.subplots()
    if across:
        axes.bar(places - width / 2, before, width, color=ORANGE, label=REFERENCE)
        axes.bar(places + width / 2, now, width, color=BLUE, label=CURRENT)
        slanted = sum(map(len, shift.bins)) > 80
        axes.set_xticks(
            places, named_ticks(shift.bins), parse_math=False,
            rotation=40 if slanted else 0, ha="right" if slanted else "center",
        )  # fmt: skip
        axes.set(xlabel=shift.title, ylabel="%")
    else:
        axes.barh(places - width / 2, before, width, color=ORANGE, label=REFERENCE)
        axes.barh(places + width / 2, now, width, color=BLUE, label=CURRENT)
        shown = named_ticks(shift.bins) if len(shift.bins) <= MAX_NAMED else []
        axes.set_yticks(places[: len(shown)], shown, parse_math=False)
        axes.invert_yaxis()
        axes.set(xlabel=f"{shift.title}, %", ylim=(len(places) - 0.4, -0.6))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def by_day(days: Sequence[tuple[date, Drift]], limit: float) -> "Figure":
    """Draw the index of each distribution by day, and its limit."""
    figure = empty_figure((7.5, 3.2))
    axes = figure.subplots()
    first = days[0][1].shifts
    colours = (ORANGE, BLUE, "#5a9a68", "#8a63a8")
    for number, (shift, colour) in enumerate(zip(first, colours, strict=True)):
        values = [drift.shifts[number].psi for _, drift in days]
        axes.plot(range(len(days)), values, "o-", color=colour, markersize=4, label=shift.title)
    axes.axhline(limit, color="black", linewidth=0.8, linestyle="--", label="limit")
    step = -(-len(days) // 8)
    axes.set_xticks(range(0, len(days), step), [day.isoformat() for day, _ in days[::step]])
    axes.set(ylim=(0, None), ylabel="stability index")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
