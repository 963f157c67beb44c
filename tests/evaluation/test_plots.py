import io

import numpy as np
import pytest
from matplotlib.image import imread

from carousel.evaluation import plots
from carousel.evaluation.report import Report

each_figure = pytest.mark.parametrize("draw", [plots.confusion, plots.accuracy_by_length])


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


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_the_cells_of_the_confusion_matrix_hold_the_counts():
    found = Report(("x", "y"), np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), np.full((4, 2), 0.5), np.ones(4))
    axes = plots.confusion(found).axes[0]
    assert texts(axes) == ["2", "1", "1"]
    assert axes.images[0].get_array().tolist() == [[2 / 3, 1 / 3], [0, 1]]
    assert axes.get_title() == "accuracy 0.750"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["x", "y"]


def test_too_many_labels_are_not_named():
    axes = plots.confusion(report(40)).axes[0]
    assert texts(axes) == []
    assert not any(tick.get_text().startswith("label") for tick in axes.get_yticklabels())


def test_the_bars_are_the_table_by_length():
    found = report()
    table = found.by_length()
    axes = plots.accuracy_by_length(found).axes[0]
    assert [bar.get_height() for bar in axes.patches] == table["accuracy"].to_list()
    assert texts(axes) == [f"n={n}" for n in table["documents"]]
