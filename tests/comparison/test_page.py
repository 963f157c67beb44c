from html import unescape

import numpy as np
import polars as pl

from carousel.comparison.page import render
from carousel.comparison.paired import compare
from carousel.comparison.plots import differences
from carousel.plotting import svg
from tests.comparison.test_paired import Errors
from tests.support.pages import NASTY, assert_standalone, outline
from tests.support.predictions import TASK, planned


def compared(labels=("markup", NASTY, "$files$")):
    random = np.random.default_rng(0)
    targets = random.integers(0, 3, 300)
    a = np.where(random.random(300) < 0.6, targets, 0)
    b = np.where(random.random(300) < 0.9, targets, 0)
    lengths = random.integers(1, 100, 300)
    one, other = (planned(labels, targets, predicted, lengths) for predicted in (a, b))
    return compare(TASK.scoring, one, other, resamples=200)


def disagreements(**columns):
    row = {
        "row": 0,
        "id": "file:1",
        "actual": "markup",
        "tokens": 7,
        "a": NASTY,
        "p_a": 0.9,
        "b": "markup",
        "p_b": 0.8,
    }
    return pl.DataFrame([row | columns])


def page(*, found=None, apart=None):
    about = [("cell", "bilstm", "bigru"), ("run", NASTY, "unknown")]
    return render(
        ("version 1", NASTY), about, found or compared(), disagreements() if apart is None else apart, "data"
    )


def test_the_page_needs_no_network_and_no_script():
    assert_standalone(page())


def test_every_text_is_escaped():
    written = page(apart=disagreements(text=NASTY, id=NASTY))
    assert NASTY not in written
    assert "<b>" not in written
    assert written.count("&lt;script&gt;") >= 6  # title, heading, run, label, prediction, text, id


def test_no_label_ends_the_comment_that_a_drawing_writes_it_into():
    labels = ("--><script>alert(1)</script>", "]]></style><b>", "a\x1b[31m\0b")
    written = page(found=compared(labels))
    assert "script" not in outline(written).names
    assert "b" not in outline(written).names


def test_tables_hold_the_comparisons_figures():
    found = compared()
    tables = outline(page(found=found)).rows
    assert [row[0] for row in tables["metrics"][1:]] == ["accuracy", "macro-F1"]
    assert tables["metrics"][1][1:3] == [f"{found.metrics['accuracy'].a:.4f}", f"{found.metrics['accuracy'].b:.4f}"]
    assert len(tables["labels"]) == 1 + len(found.slices["label"])
    assert [row[0] for row in tables["lengths"][1:]] == [part.name for part in found.slices["length"]]
    assert tables["models"][1] == ["cell", "bilstm", "bigru"]
    assert found.verdict in unescape(page(found=found))


def test_a_table_by_class_that_is_no_set_of_documents_has_no_paired_columns():
    one, other = (planned("ab", [0] * 100, [1] * wrong + [0] * (100 - wrong)) for wrong in (30, 10))
    rows = outline(page(found=compare(Errors(), one, other, resamples=100))).rows
    assert rows["types"] == [
        ["type", "occurrences", "F1 A", "F1 B", "points"],
        ["all", "100", "0.700", "0.900", "+20.0"],
    ]
    assert [row[0] for row in rows["metrics"][1:]] == ["error rate", "hit rate"]


def test_pictures_are_drawings_and_the_same_each_time():
    assert outline(page()).names.count("svg") == 3
    found = compared()
    assert svg(differences(found)) == svg(differences(found))


def test_models_that_never_disagree_have_no_table_of_it():
    assert "Nowhere: they predict the same for every document." in page(apart=disagreements().head(0))
