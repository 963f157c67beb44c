"""Pictures for MLflow; DVC draws its own from the tables."""

from typing import TYPE_CHECKING

import numpy as np

from carousel.evaluation.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_NAMED = 30  # more labels than this are too many to write on an axis or in the cells


def confusion(report: Report) -> "Figure":
    """Draw the confusion matrix, each row (actual label) summing to one, counts in the cells."""
    from matplotlib.figure import Figure

    classes = len(report.labels)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (report.targets, report.predicted), 1)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = min(4 + 0.45 * min(classes, MAX_NAMED), 14)
    figure = Figure(figsize=(side + 1, side), layout="constrained", dpi=120)
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="share of the actual label's documents", shrink=0.8)
    axes.set(xlabel="predicted", ylabel="actual", title=f"accuracy {report.metrics()['accuracy']:.3f}")
    if classes <= MAX_NAMED:
        axes.set_xticks(
            range(classes), report.labels, rotation=45, ha="right", rotation_mode="anchor", parse_math=False
        )
        axes.set_yticks(range(classes), report.labels, parse_math=False)
        for row, column in np.argwhere(counts):
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=8)
    return figure


def accuracy_by_length(report: Report) -> "Figure":
    """Draw accuracy by document length, with each bucket's number of documents."""
    from matplotlib.figure import Figure

    table = report.by_length()
    figure = Figure(figsize=(7, 4), layout="constrained", dpi=120)
    axes = figure.subplots()
    bars = axes.bar(table["tokens"].to_list(), table["accuracy"].to_list(), color="#3b6ea8")
    axes.bar_label(bars, [f"n={n}" for n in table["documents"]], padding=2, fontsize=8)
    axes.axhline(report.metrics()["accuracy"], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="tokens in the document", ylabel="accuracy", ylim=(0, 1.08), title="Accuracy by length")
    return figure
