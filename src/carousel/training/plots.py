"""The plot of a training's gradient norms."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from carousel.plotting import BLUE, empty_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def norms_by_epoch(norms: list[float], epochs: int) -> pl.DataFrame:
    """Return what `gradient_norms` draws: median, 90th percentile and largest norm of each epoch's steps."""
    parts = np.array_split(np.array(norms), epochs)  # epochs have as many steps
    return pl.DataFrame(
        {
            "epoch": range(1, epochs + 1),
            "median": [float(np.median(part)) for part in parts],
            "p90": [float(np.quantile(part, 0.9)) for part in parts],
            "largest": [float(part.max()) for part in parts],
        }
    )


def gradient_norms(table: pl.DataFrame, clip_norm: float) -> "Figure":
    """Draw the gradient's norm by epoch, before clipping.

    Args:
        table: as `norms_by_epoch` makes it.
        clip_norm: above which a step was clipped.
    """
    from matplotlib.ticker import MaxNLocator

    figure = empty_figure((7, 4))
    axes = figure.subplots()
    epochs = table["epoch"].to_list()
    shades = (("largest", "#b8cbe0"), ("p90", "#7a9cc6"), ("median", BLUE))
    names = {"p90": "90th percentile", "median": "median", "largest": "largest"}
    for column, colour in shades:
        axes.plot(epochs, table[column].to_list(), "o-", color=colour, label=names[column], markersize=4)
    axes.axhline(clip_norm, color="black", linewidth=0.8, linestyle="--", label=f"clipped above {clip_norm:g}")
    axes.set(
        xlabel="epoch", ylabel="norm of the gradient", yscale="log", title="Gradient norms of an epoch's steps"
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=8)
    return figure
