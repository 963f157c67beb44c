"""Plots for MLflow and for the page that compares two models; DVC draws its own from the tables."""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from carousel.evaluation.comparison import Comparison
from carousel.evaluation.report import Report
from carousel.text.printable import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure
BLUE, ORANGE = "#3b6ea8", "#d9822b"
# For scripts that Matplotlib's own font lacks
FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans Thai", "Noto Sans Devanagari", "Noto Sans Arabic",
    "Noto Sans Hebrew", "WenQuanYi Micro Hei", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo",
    "Microsoft YaHei", "Arial Unicode MS",
)  # fmt: skip
MAX_NAMED = 30  # more labels than this are too many to write on an axis or in the cells


def confusion(report: Report) -> "Figure":
    """Draw the confusion matrix, each row (actual label) summing to one, counts in the cells."""
    classes = len(report.labels)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (report.targets, report.predicted), 1)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = min(4 + 0.45 * min(classes, MAX_NAMED), 14)
    figure = _figure((side + 1, side))
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="share of the actual label's documents", shrink=0.8)
    axes.set(xlabel="predicted", ylabel="actual", title=f"accuracy {report.metrics()['accuracy']:.3f}")
    if classes <= MAX_NAMED:
        axes.set_xticks(
            range(classes), _named(report.labels), rotation=45, ha="right", rotation_mode="anchor", parse_math=False
        )
        axes.set_yticks(range(classes), _named(report.labels), parse_math=False)
        for row, column in np.argwhere(counts):
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=8)
    return figure


def accuracy_by_length(report: Report) -> "Figure":
    """Draw accuracy by document length, with each bucket's number of documents.

    A bucket with documents that were cut is hatched, one with documents longer than any in training has another
    colour.
    """
    from matplotlib.patches import Patch

    table = report.by_length()
    figure = _figure((7, 4))
    axes = figure.subplots()
    bars = axes.bar(
        table["tokens"].to_list(),
        table["accuracy"].to_list(),
        color=[ORANGE if beyond else BLUE for beyond in table["beyond"]],
        hatch=["//" if cut else "" for cut in table["cut"]],
        edgecolor="white",
    )
    axes.bar_label(bars, [f"n={n}" for n in table["documents"]], padding=2, fontsize=8)
    marks = [
        Patch(facecolor="#999999", hatch="//", edgecolor="white", label="some were cut"),
        Patch(facecolor=ORANGE, label="some longer than any in training"),
    ]
    shown = [mark for mark, kind in zip(marks, ("cut", "beyond"), strict=True) if table[kind].sum()]
    if shown:
        axes.legend(handles=shown, loc="lower left", fontsize=8)
    axes.axhline(report.metrics()["accuracy"], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="tokens in the document", ylabel="accuracy", ylim=(0, 1.08), title="Accuracy by length")
    return figure


def by_label(report: Report) -> "Figure":
    """Draw precision and recall of each label, best recall first; the colour of a dot says which it is."""
    table = report.by_label().sort("recall", "label", descending=[False, True])
    figure = _figure((7, min(2.5 + 0.3 * table.height, 14)))
    axes = figure.subplots()
    rows = range(table.height)
    axes.hlines(
        rows, table["precision"].to_list(), table["recall"].to_list(), color="#bbbbbb", linewidth=2, zorder=1
    )
    axes.scatter(table["precision"].to_list(), rows, color=ORANGE, label="precision", zorder=2)
    axes.scatter(table["recall"].to_list(), rows, color=BLUE, label="recall", zorder=3)
    if table.height <= MAX_NAMED:
        named = [f"{label} (n={n})" for label, n in table.select("label", "documents").iter_rows()]
        axes.set_yticks(rows, _named(named), parse_math=False)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.6, table.height - 0.4), title="Precision and recall by label")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def calibration(report: Report) -> "Figure":
    """Draw the reliability diagram (Guo et al. 2017): accuracy by the probability of the label that was given."""
    table = report.calibration()
    figure = _figure((5.5, 6))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    above.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="as right as it is sure")
    left, width = table["above"].to_list(), (table["to"] - table["above"]).to_list()
    above.bar(left, table["accuracy"].to_list(), width, align="edge", color=BLUE, alpha=0.7, edgecolor="white")
    above.plot(
        table["probability"].to_list(), table["accuracy"].to_list(), "o", color="black", markersize=3,
        label="mean probability, accuracy",
    )  # fmt: skip
    error = report.metrics()["calibration_error"]
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title=f"Calibration; expected error {error:.3f}")
    above.legend(loc="upper left", frameon=False, fontsize=8)
    below.bar(left, table["documents"].to_list(), width, align="edge", color="#999999", edgecolor="white")
    below.set(xlabel="probability that the model gives its label", ylabel="documents")
    return figure


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

    figure = _figure((7, 4))
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


def differences(comparison: Comparison) -> "Figure":
    """Draw B - A of each metric with its interval, in percentage points, and a line where they are equal."""
    figure = _figure((7.5, 1.9))
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
    figure = _figure((7.5, min(1.8 + 0.3 * len(parts), 14)))
    axes = figure.subplots()
    rows, a, b = range(len(parts)), [part.a for part in parts], [part.b for part in parts]
    axes.hlines(rows, a, b, color="#bbbbbb", linewidth=2, zorder=1)
    axes.scatter(a, rows, color=ORANGE, label="A", zorder=2)
    axes.scatter(b, rows, color=BLUE, label="B", zorder=3)
    if len(parts) <= MAX_NAMED:
        named = [f"{part.name} (n={part.documents})" for part in parts]
        axes.set_yticks(rows, _named(named), parse_math=False)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(parts) - 0.4), xlabel="recall")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def lengths_apart(comparison: Comparison) -> "Figure":
    """Draw both models' accuracy by document length, with each range's number of documents."""
    parts = comparison.by_length
    figure = _figure((7.5, 3.2))
    axes = figure.subplots()
    places = np.arange(len(parts))
    axes.bar(places - 0.2, [part.a for part in parts], 0.4, color=ORANGE, label="A")
    axes.bar(places + 0.2, [part.b for part in parts], 0.4, color=BLUE, label="B")
    axes.set_xticks(places, [f"{part.name}\nn={part.documents}" for part in parts])
    axes.set(ylim=(0, 1.02), xlabel="tokens in the document", ylabel="accuracy")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _figure(size: tuple[float, float]) -> "Figure":
    """Return an empty figure of a size in inches, with a font for every script that one is installed for."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    mpl.rcParams["font.family"] = ["DejaVu Sans", *(name for name in FONTS if name in installed)]
    # where there is none, a box stands in the plot, and the tables beside it have the name
    warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font", category=UserWarning)
    return Figure(figsize=size, layout="constrained", dpi=120)


def _named(labels: Iterable[str]) -> list[str]:
    return [one_line(label) for label in labels]
