import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.image import imread

from carousel.tasks.classification import plots
from carousel.tasks.classification.report import Report

each_figure = pytest.mark.parametrize(
    "draw", [plots.confusion, plots.by_label, plots.calibration, plots.accuracy_by_length]
)


def report(classes=3, count=200, labels=None):
    random = np.random.default_rng(0)
    targets = random.integers(0, classes, count)
    predicted = np.where(random.random(count) < 0.7, targets, random.integers(0, classes, count))
    return Report(
        labels=labels or tuple(f"label {i}" for i in range(classes)),
        targets=targets,
        predicted=predicted,
        probabilities=np.full((count, classes), 1 / classes),
        lengths=random.integers(1, 2000, count),
        names=tuple(map(str, range(count))),
    )


def picture(figure):
    """Return the pixels (height, width, 4) of a figure saved as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    assert content.getvalue().startswith(b"\x89PNG")
    content.seek(0)
    return imread(content)


@each_figure
@pytest.mark.parametrize("classes", [1, 2, 30, 31, 40])
def test_a_figure_is_drawn_for_few_labels_and_for_many(draw, classes):
    pixels = picture(draw(report(classes)))
    assert min(pixels.shape[:2]) > 300
    assert pixels.std() > 0.01


@each_figure
def test_one_document_is_enough(draw):
    assert picture(draw(report(count=1))).std() > 0.01


@each_figure
def test_labels_are_plain_text_and_no_formula(draw):
    labels = ("$5-$10", r"a_b^c \frac", "<$^$>")
    assert picture(draw(report(labels=labels))).std() > 0.01


@each_figure
def test_labels_of_any_script_are_drawn_without_a_warning(draw):
    labels = ("日本語 ไทย العربية 😀", "a\x1b[31m\0b", "two\nlines")
    assert picture(draw(report(labels=labels))).std() > 0.01


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_the_cells_of_the_confusion_matrix_hold_the_counts():
    found = Report(
        ("x", "y"), np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), np.full((4, 2), 0.5), np.ones(4), tuple("abcd")
    )
    axes = plots.confusion(found).axes[0]
    assert texts(axes) == ["2", "1", "1"]
    assert axes.images[0].get_array().tolist() == [[2 / 3, 1 / 3], [0, 1]]
    assert axes.get_title() == "Confusion matrix; accuracy 0.750"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["x", "y"]


def test_too_many_labels_are_not_named():
    axes = plots.confusion(report(40)).axes[0]
    assert texts(axes) == []
    assert not any(tick.get_text().startswith("label") for tick in axes.get_yticklabels())


def test_the_bars_are_the_table_by_length():
    found = report()
    table = found.by_length()
    axes = plots.accuracy_by_length(found).axes[0]
    assert [bar.get_height() for bar in axes.patches] == table["score"].to_list()
    assert texts(axes) == [f"n={n}" for n in table["documents"]]


def test_buckets_that_were_cut_or_are_longer_than_in_training_are_marked():
    found = report()
    plain = plots.accuracy_by_length(found).axes[0]
    assert plain.get_legend() is None
    marked = plots.accuracy_by_length(replace(found, read=np.minimum(found.lengths, 256), trained=128)).axes[0]
    hatched = [bar.get_hatch() == "//" for bar in marked.patches]
    orange = [bar.get_facecolor() == to_rgba(plots.ORANGE) for bar in marked.patches]
    names = [tick.get_text() for tick in marked.get_xticklabels()]
    assert [name for name, is_so in zip(names, hatched, strict=True) if is_so] == ["257-512", "513-1024", "1025+"]
    assert [name for name, is_so in zip(names, orange, strict=True) if is_so] == names[-4:]
    assert texts(marked.get_legend()) == ["some were cut", "some longer than any in training"]


def test_precision_and_recall_stand_beside_their_labels():
    found = report(labels=("a", "b", "c"))
    table = found.by_label().sort("recall", "label", descending=[False, True])
    axes = plots.by_label(found).axes[0]
    precision, recall = (points.get_offsets()[:, 0].tolist() for points in axes.collections[1:])
    assert (precision, recall) == (table["precision"].to_list(), table["recall"].to_list())
    assert [tick.get_text().split()[0] for tick in axes.get_yticklabels()] == table["label"].to_list()


def test_the_bars_of_the_reliability_diagram_are_its_table():
    found = report()
    axes, below = plots.calibration(found).axes
    assert [bar.get_height() for bar in axes.patches] == found.calibration()["accuracy"].to_list()
    assert [bar.get_height() for bar in below.patches] == found.calibration()["count"].to_list()


@each_figure
def test_the_title_names_model_data_and_split_as_plain_text(draw):
    named = draw(report(), "bilstm $1-2$ \x1b · docs, test split")
    assert named.get_suptitle() == draw(report()).axes[0].get_title()
    assert named.axes[0].get_title() == r"bilstm $1-2$ \x1b · docs, test split"
    assert picture(named).std() > 0.01


def test_bars_of_few_documents_have_wide_intervals():
    found = report()
    axes = plots.accuracy_by_length(found).axes[0]
    bars = axes.containers[1].lines[2][0].get_segments()
    widths = np.array([segment[1][1] - segment[0][1] for segment in bars])
    table = found.by_length()
    np.testing.assert_allclose(widths, table["high"] - table["low"])
    assert widths[table["documents"].arg_min()] > widths[table["documents"].arg_max()]
