"""The whole page, of a classifier and of a tagger, from made-up reports."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from carousel.comparison.paired import compare
from carousel.corpus import lengths
from carousel.corpus.dataset import Dataset, Ragged
from carousel.model_page.page import render
from carousel.model_page.reports import Reports
from carousel.model_page.training import ModelDescription
from carousel.task import find
from carousel.tasks.classification.report import Report
from carousel.tasks.tagging.report import TaggingReport
from tests.support.classifiers import make
from tests.support.pages import NASTY, assert_standalone, outline
from tests.support.predictions import TASK, planned

HOSTILE = (NASTY, "a\x1b[31m\0b", "\u202etfel ot thgir", "x" * 3000, "$a_b^c$ {{ 1234 * 1234 }}")
DESCRIPTION = ModelDescription(
    name="bilstm-8x1 lr 0.004 · docs",
    noun="text classifier",
    target="label",
    baseline="linear baseline",
    data="docs",
    trained="2026-01-02 03:04",
    fingerprint="f" * 64,
    run_id="e" * 32,
    encoder="bilstm",
    size="8x1",
    params={
        "train.learning_rate": "0.004",
        "model.dropout": "0.5",
        "tokenizer.name": "words",
        "encode.max_length": "9",
    },
    tags={"git.commit": "c" * 40, "git.dirty": "false"},
)


def classified(labels=("files", "numeric", "text"), count=120, seed=0):
    """Return a report, and a worse model's predictions."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, len(labels), count)
    right, worse = (np.where(random.random(count) < rate, targets, 0) for rate in (0.8, 0.5))
    probabilities = np.where(np.eye(len(labels))[right] == 1, 0.9, 0.1 / max(len(labels) - 1, 1))
    tokens = random.integers(1, 60, count)
    names = tuple(f"document {i}" for i in range(count))
    report = Report(tuple(labels), targets, right, probabilities, tokens, names)
    return report, planned(labels, targets, worse, tokens, names=names)


def reports(classes=("files", "numeric", "text"), target="label", unknown=("rare", "words")):
    def split(count):
        ids = Ragged.of([[2, 3]] * count)
        return Dataset({"ids": ids}, {}, tuple(map(str, range(count))), np.full(count, 5))

    sizes = {"train": 9, "val": 3, "test": 3}
    return Reports(
        train={
            "epochs": 2, "best_epoch": 2, "refit_epochs": 1, "parameters": 1234, "batch_tokens": 64,
            "precision": "fp32", "tokens_per_second": 99, "documents": 12,
        },
        seconds=61.0,
        curves=pl.DataFrame(
            {"epoch": [1, 2], "train_loss": [1.0, 0.5], "val_loss": [1.1, 0.9], "val_score": [0.5, 0.7]}
        ),
        data={
            "documents": sizes,
            "dropped": {"duplicates": 4, "also_in_a_later_split": 1},
            f"{target}s": {name: dict.fromkeys(classes, 3) for name in sizes},
        },
        lengths=pl.concat([lengths.counts(np.full(count, 5), name) for name, count in sizes.items()]),
        vocabulary={"size": 10, "distinct_in_train": 20, "oov_rate": {"train": 0.0, "val": 0.25, "test": 0.5}},
        unknown=pl.DataFrame({"token": unknown, "count": range(len(unknown), 0, -1)}),
        encoded={name: split(count) for name, count in sizes.items()},
    )  # fmt: skip


def page(
    labels=("files", "numeric", "text"), texts=None, description=DESCRIPTION, unknown=("rare", "words"), **model
):
    report, before = classified(labels)
    compared = compare(TASK.scoring, before, TASK.predictions(report, "d"), resamples=200)
    documents = pl.DataFrame({"text": texts or ["a text"] * len(report.targets)})
    sections = TASK.sections(make(labels=labels, **model), report, compared, documents)
    return render(description, reports(labels, unknown=unknown), compared, report.metrics(), sections)


def test_the_page_needs_no_network_and_no_script():
    assert_standalone(page())


def test_it_names_model_data_split_and_bundle_and_its_links_lead_to_its_sections():
    written = page()
    for text in ("bilstm-8x1 lr 0.004 · docs", "test split of docs", "120", "2026-01-02 03:04", "f" * 16):
        assert text in written
    links = set(outline(written).references)
    ids = set(re.findall(r'<section id="(\w+)">', written))
    assert {"metrics", "labels", "confusion", "lengths", "calibration", "errors", "training", "data"} <= ids
    assert {f"#{name}" for name in ids} <= links


def test_metrics_stand_beside_the_baselines_with_the_difference_of_the_reports():
    report, before = classified()
    rows = outline(page()).rows
    accuracy, other = report.metrics()["accuracy"], (before.table["actual"] == before.table["predicted"]).mean()
    assert rows["metrics"][1][:4] == [
        "accuracy",
        f"{accuracy:.4f}",
        f"{other:.4f}",
        f"{100 * (accuracy - other):+.1f}",
    ]
    assert rows["metrics"][1][4].count(" to ") == 1
    assert [row[0] for row in rows["metrics"][3:]] == ["loss", "expected calibration error"]
    found = report.by_label().sort("f1", "label")
    assert [row[0] for row in rows["labels"][1:]] == found["label"].to_list()
    assert [row[2:5] for row in rows["labels"][1:]] == [
        [f"{value:.3f}" for value in row] for row in found.select("precision", "recall", "f1").iter_rows()
    ]
    f1 = TASK.scoring.by_class(TASK.scoring.statistics(before.table, before.classes).total(), before.classes)
    baseline = dict(zip(f1.names, f1.f1, strict=True))
    assert [row[5] for row in rows["labels"][1:]] == [f"{baseline[name]:.3f}" for name in found["label"]]


def test_the_verdict_says_whether_it_is_better():
    report, before = classified()
    written = page()
    assert "Better than the linear baseline: accuracy" in written
    assert 'class="verdict B"' in written
    same = compare(TASK.scoring, before, before, resamples=50)
    sections = TASK.sections(make(labels=report.labels), report, same, pl.DataFrame({"text": ["a"] * 120}))
    assert "No difference shown from the linear baseline" in render(
        DESCRIPTION, reports(), same, report.metrics(), sections
    )


def test_the_worst_errors_come_with_their_texts_which_are_cut():
    report, _ = classified()
    texts = [f"text {i} " + "word " * 200 for i in range(len(report.targets))]
    rows = outline(page(texts=texts)).rows["errors"][1:]
    wrong = np.flatnonzero(report.targets != report.predicted)
    assert len(rows) == min(30, len(wrong))
    assert rows[0][0].startswith(f"text {wrong[0]} word")
    assert all(len(row[0]) <= 302 and row[0].endswith("…") for row in rows)
    assert rows[0][1:3] == [report.labels[report.targets[wrong[0]]], report.labels[report.predicted[wrong[0]]]]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_shown_as_texts(text):
    labels = (text, f"{text} 2", "third")
    named = replace(DESCRIPTION, name=text, data=text, params=DESCRIPTION.params | {"model.x": text})
    words = (text, "the")
    written = page(labels, [text] * 120, named, (text,), words=words, ngrams=1, ngram_rows=2)
    assert_standalone(written)
    assert not {"b"} & set(outline(written).names)
    for char in "\x1b\0\u202e":
        assert char not in written
    assert str(1234 * 1234) not in written


def test_a_model_without_n_grams_has_no_section_of_them():
    assert 'id="ngrams"' not in page()
    assert 'id="ngrams"' in page(ngrams=2, ngram_rows=3)


def test_many_labels_have_a_list_of_confusions_and_no_matrix():
    written = page(tuple(f"label {i}" for i in range(60)))
    assert 'class="matrix"' not in written
    assert [row[0] for row in outline(written).rows["confusion"][:1]] == ["actual"]
    assert 'class="matrix"' in page()


def test_small_groups_of_documents_have_wide_intervals():
    report, _ = classified()
    table = report.by_length()
    shown = re.findall(r'class="interval" style="left: ([\d.]+)%; width: ([\d.]+)%"', page())
    assert [float(width) for _, width in shown] == pytest.approx(
        (100 * (table["high"] - table["low"])).to_list(), abs=0.01
    )


def test_what_it_was_trained_on_is_there():
    rows = outline(page()).rows
    text = str(rows)
    for expected in ("1,234", "25.00 %", "50.00 %", "rare", "61 s", "c" * 40, "12 documents", "10 tokens of 20"):
        assert expected in text
    assert rows["data"][1] == ["train", "9", "5", "5", "5", "5", "9"]
    assert "4 duplicates" in page()
    assert "The vocabulary has every token" in page(unknown=())


def tagged(names=("first", "second"), wrong=True):
    gold = (("B-PER", "O", "B-LOC"), ("O",)) * 5
    return TaggingReport(
        tuple(f"{name} {i}" for i in range(5) for name in names),
        (("Ann", "saw", "Rome"), (NASTY,)) * 5,
        gold,
        (("B-PER", "O", "B-PER" if wrong else "B-LOC"), ("O",)) * 5,
        ((True, True, False), (True,)) * 5,
        ((0.9, 1.0, 0.25), (1.0,)) * 5,
        classes=("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    )


@pytest.mark.parametrize("wrong", [True, False])
def test_the_page_of_a_tagger(wrong):
    task = find("tagging")
    report, before = tagged(wrong=wrong), task.predictions(tagged(), "d")
    compared = compare(task.scoring, before, task.predictions(report, "d"), resamples=50)
    sections = task.sections(make(), report, compared, pl.DataFrame())
    described = replace(DESCRIPTION, noun="tagger", target="tag", baseline="CRF baseline")
    written = render(described, reports(("O", "B-PER"), "tag"), compared, report.metrics(), sections)
    assert_standalone(written)
    assert NASTY not in written
    rows = outline(written).rows
    assert [row[:3] for row in rows["metrics"][1:4]] == [
        [metric.title, f"{report.metrics()[metric.name]:.4f}", f"{tagged().metrics()[metric.name]:.4f}"]
        for metric in task.metrics
    ]
    assert {row[0] for row in rows["types"][1:]} == {"PER", "LOC"}
    assert ("every tag of every sentence is right" in written) != wrong
    assert ("<article>" in written) == wrong
