"""Plots of a model's evaluation; DVC draws its own from the tables.

The argument `model` names the model, its data set and the split in the title.
"""

from typing import TYPE_CHECKING

import numpy as np

from carousel.plotting import BLUE, MAX_NAMED, ORANGE, empty_figure, named_ticks, titled
from carousel.tasks.classification.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion(report: Report, model: str = "") -> "Figure":
    """Draw the confusion matrix, each row (actual label) summing to one, counts in the cells."""
    classes = len(report.labels)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (report.targets, report.predicted), 1)
    fraction = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = min(4 + 0.45 * min(classes, MAX_NAMED), 14)
    figure = empty_figure((side + 1, side))
    axes = figure.subplots()
    image = axes.imshow(fraction, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="fraction of the actual label's documents", shrink=0.8)
    axes.set(xlabel="predicted", ylabel="actual")
    titled(axes, f"Confusion matrix; accuracy {report.metrics()['accuracy']:.3f}", model)
    if classes <= MAX_NAMED:
        axes.set_xticks(
            range(classes),
            named_ticks(report.labels),
            rotation=45,
            ha="right",
            rotation_mode="anchor",
            parse_math=False,
        )
        axes.set_yticks(range(classes), named_ticks(report.labels), parse_math=False)
        for row, column in np.argwhere(counts):
            colour = "white" if fraction[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=9)
    return figure


def accuracy_by_length(report: Report, model: str = "") -> "Figure":
    """Draw accuracy by document length, with each bucket's 95 % interval (Wilson) and number of documents.

    A bucket with documents that were cut is hatched, one with documents longer than any in training has another
    colour.
    """
    from matplotlib.patches import Patch

    table = report.by_length()
    figure = empty_figure((7, 4))
    axes = figure.subplots()
    axes.bar(
        table["tokens"].to_list(),
        table["score"].to_list(),
        color=[ORANGE if beyond else BLUE for beyond in table["beyond"]],
        hatch=["//" if cut else "" for cut in table["cut"]],
        edgecolor="white",
    )
    score, low, high = (table[name].to_numpy() for name in ("score", "low", "high"))
    # a bar of no document more than another is exact but for rounding, which must not be negative
    ends = np.maximum([score - low, high - score], 0)
    axes.errorbar(table["tokens"].to_list(), score, ends, fmt="none", color="black", capsize=3, linewidth=1.2)
    for place, (end, count) in enumerate(zip(high, table["documents"], strict=True)):
        axes.text(place, end + 0.015, f"n={count}", ha="center", va="bottom", fontsize=9)
    marks = [
        Patch(facecolor="#999999", hatch="//", edgecolor="white", label="some were cut"),
        Patch(facecolor=ORANGE, label="some longer than any in training"),
    ]
    shown = [mark for mark, kind in zip(marks, ("cut", "beyond"), strict=True) if table[kind].sum()]
    if shown:
        axes.legend(handles=shown, loc="lower left", fontsize=8)
    axes.axhline(report.metrics()["accuracy"], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="tokens in the document", ylabel="accuracy", ylim=(0, 1.1))
    titled(axes, "Accuracy by length, with 95 % intervals", model)
    return figure


def by_label(report: Report, model: str = "") -> "Figure":
    """Draw precision and recall of each label, best recall first; the colour of a dot says which it is."""
    table = report.by_label().sort("recall", "label", descending=[False, True])
    figure = empty_figure((7, min(2.5 + 0.3 * table.height, 14)))
    axes = figure.subplots()
    rows = range(table.height)
    axes.hlines(
        rows, table["precision"].to_list(), table["recall"].to_list(), color="#bbbbbb", linewidth=2, zorder=1
    )
    axes.scatter(table["precision"].to_list(), rows, color=ORANGE, label="precision", zorder=2)
    axes.scatter(table["recall"].to_list(), rows, color=BLUE, label="recall", zorder=3)
    if table.height <= MAX_NAMED:
        named = [f"{label} (n={n})" for label, n in table.select("label", "documents").iter_rows()]
        axes.set_yticks(rows, named_ticks(named), parse_math=False)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.6, table.height - 0.4))
    titled(axes, "Precision and recall by label", model)
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def calibration(report: Report, model: str = "") -> "Figure":
    """Draw the reliability diagram (Guo et al. 2017): accuracy by the probability of the label that was given."""
    table = report.calibration()
    figure = empty_figure((5.5, 6))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    above.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="perfectly calibrated")
    left, width = table["above"].to_list(), (table["to"] - table["above"]).to_list()
    above.bar(left, table["accuracy"].to_list(), width, align="edge", color=BLUE, alpha=0.7, edgecolor="white")
    above.plot(
        table["probability"].to_list(), table["accuracy"].to_list(), "o", color="black", markersize=3,
        label="mean probability, accuracy",
    )  # fmt: skip
    error = report.metrics()["calibration_error"]
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    titled(above, f"Calibration; expected error {error:.3f}", model)
    above.legend(loc="upper left", frameon=False, fontsize=8)
    below.bar(left, table["count"].to_list(), width, align="edge", color="#999999", edgecolor="white")
    below.set(xlabel="probability that the model gives its label", ylabel="documents")
    return figure
