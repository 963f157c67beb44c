import io

import numpy as np
import pytest
from matplotlib.image import imread

from carousel.tasks.tagging import plots
from carousel.tasks.tagging.report import TaggingReport
from carousel.tasks.tagging.schemes import all_tags

each_figure = pytest.mark.parametrize("draw", [plots.confusion, plots.f1_by_type, plots.score_by_length])


def report(tags, sentences=40):
    random = np.random.default_rng(0)
    gold = [[str(tag) for tag in random.choice(tags, size=length)] for length in random.integers(1, 50, sentences)]
    predicted = [
        [tag if random.random() < 0.7 else str(random.choice(tags)) for tag in sentence] for sentence in gold
    ]
    return TaggingReport([str(i) for i in range(sentences)], gold, gold, predicted)


def pixels(figure):
    content = io.BytesIO()
    figure.savefig(content, format="png")
    content.seek(0)
    return imread(content)


def texts(axes):
    return [text.get_text() for text in axes.texts]


@each_figure
@pytest.mark.parametrize("types", [0, 1, 29, 31])
def test_a_figure_is_drawn_for_few_types_and_for_many(draw, types):
    drawn = pixels(draw(report(all_tags([f"type {i}" for i in range(types)], "bio"))))
    assert min(drawn.shape[:2]) > 250
    assert drawn.std() > 0.01


@each_figure
def test_types_are_plain_text_of_any_script(draw):
    names = ("$5-$10", r"a_b^c \frac", "日本語 العربية 😀", "a\x1b[31m\0b", "two\nlines")
    assert pixels(draw(report(all_tags(names, "iobes")))).std() > 0.01
    assert pixels(draw(report(names))).std() > 0.01


def test_the_cells_of_the_confusion_matrix_hold_the_counts():
    found = TaggingReport(("a",), (("x",) * 4,), (("B-A", "O", "B-B", "O"),), (("B-A", "O", "O", "B-B"),))
    axes = plots.confusion(found).axes[0]
    assert axes.images[0].get_array().tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert texts(axes) == ["1", "1", "1"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["A", "B", "missed"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["A", "B", "spurious"]
    assert axes.get_title() == "Confusion matrix; F1 0.500"


def test_tags_have_no_missed_and_no_spurious_ones():
    axes = plots.confusion(report(("NOUN", "VERB"))).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["NOUN", "VERB"]
    assert axes.get_title().startswith("Confusion matrix; F1 0.")


def test_the_bars_are_the_tables():
    found = report(all_tags(("A", "B"), "bio"))
    table = found.by_type().sort("f1", "type", descending=[False, True])
    axes = plots.f1_by_type(found).axes[0]
    assert [bar.get_width() for bar in axes.patches] == table["f1"].to_list()
    axes = plots.score_by_length(found).axes[0]
    assert [bar.get_height() for bar in axes.patches] == found.by_length()["f1"].to_list()
    assert texts(axes) == [f"n={n}" for n in found.by_length()["sentences"]]
    assert axes.get_title() == "F1 by length"
