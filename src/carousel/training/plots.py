"""Plots of a training: its gradient norms, and its curves."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from carousel.plotting import BLUE, ORANGE, empty_figure, titled

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


def gradient_norms(table: pl.DataFrame, clip_norm: float, model: str = "") -> "Figure":
    """Draw the gradient's norm by epoch, before clipping.

    Args:
        table: as `norms_by_epoch` makes it.
        clip_norm: above which a step was clipped.
        model: for the title.
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
    axes.set(xlabel="epoch", ylabel="norm of the gradient", yscale="log")
    titled(axes, "Gradient norms of an epoch's steps", model)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=8)
    return figure


def curves(table: pl.DataFrame, monitor: str) -> "Figure":
    """Draw the loss on train and validation, and beside it the metric on validation, by epoch.

    Args:
        table: `epoch`, `train_loss`, `val_loss` and `val_score`.
        monitor: what `val_score` is.
    """
    from matplotlib.ticker import MaxNLocator

    figure = empty_figure((9, 3.2))
    loss, score = figure.subplots(1, 2)
    epochs = table["epoch"].to_list()
    loss.plot(epochs, table["train_loss"].to_list(), "o-", color=ORANGE, label="train", markersize=4)
    loss.plot(epochs, table["val_loss"].to_list(), "o-", color=BLUE, label="validation", markersize=4)
    score.plot(epochs, table["val_score"].to_list(), "o-", color=BLUE, markersize=4)
    loss.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    score.set(xlabel="epoch", ylabel=f"{monitor}, validation")
    for axes in (loss, score):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y", alpha=0.3)
    loss.legend(frameon=False)
    return figure
