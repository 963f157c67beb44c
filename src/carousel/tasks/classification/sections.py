"""What the model page shows of a classifier."""

import polars as pl

from carousel.comparison.paired import Comparison
from carousel.model_page import baseline
from carousel.model_page.confusion import confusion
from carousel.model_page.section import Bar, Cell, Columns, Note, Plot, Section, Table
from carousel.plotting import svg
from carousel.tasks.classification import plots, top_ngrams
from carousel.tasks.classification.predictor import Classifier
from carousel.tasks.classification.report import Report

ERRORS = 30  # documents that are shown
MAX_CHARACTERS = 300  # of each


def sections(classifier: Classifier, report: Report, comparison: Comparison, texts: pl.Series) -> list[Section]:
    """Return what the page shows.

    Args:
        classifier: the model.
        report: of the model on the test split.
        comparison: of the baseline, A, and the model, B.
        texts: of the test split.
    """
    found = [
        Section("labels", "By label", baseline.by_class(report.by_label(), "label", "documents", comparison)),
        confusion(report.confusion(), "documents"),
        _by_length(report, comparison),
        Section(
            "calibration",
            "Calibration",
            [Plot(svg(plots.calibration(report)), "Accuracy by the probability of the predicted label")],
        ),
        _errors(report, texts),
    ]
    ngrams = top_ngrams.section(classifier)
    return found if ngrams is None else [*found, ngrams]


def _by_length(report: Report, comparison: Comparison) -> Section:
    """Return accuracy by length, with intervals, and the baseline's beside it."""
    before = {part.name: part.a for part in comparison.slices["length"]}
    table = report.by_length()
    rows: list[list[Cell]] = []
    for row in table.iter_rows(named=True):
        name, low, high = row["tokens"], row["low"], row["high"]
        rows.append(
            [
                name,
                f"{row['documents']:,}",
                Bar(row["score"], f"{row['score']:.3f}", (low, high), before.get(name)),
                f"{low:.3f} to {high:.3f}",
                f"{before[name]:.3f}" if name in before else "",
                *(f"{row[kind]:,}" for kind in ("cut", "beyond") if table[kind].sum()),
            ]
        )
    titles = {"cut": "cut", "beyond": "longer than in training"}
    columns: Columns = [
        ("tokens", "name"), ("documents", "number"), ("accuracy", "bar"), ("95 % interval", "number"),
        ("baseline", "number"), *((title, "number") for kind, title in titles.items() if table[kind].sum()),
    ]  # fmt: skip
    note = Note(
        "The line on a bar is its 95 % interval (Wilson); the orange mark is the baseline. Lengths are before "
        "cutting."
    )
    return Section("lengths", "Accuracy by length", [Table(columns, rows), note])


def _errors(report: Report, texts: pl.Series) -> Section:
    """Return the wrong predictions that the model is surest of."""
    wrong = int((report.targets != report.predicted).sum())
    if not wrong:
        return Section("errors", "Errors", [Note("Every document has the right label.")])
    worst = report.worst(ERRORS)
    rows = [
        [
            _cut(texts[row["row"]]),
            row["actual"],
            row["predicted"],
            f"{row['probability']:.3f}",
            f"{row['probability_of_actual']:.3f}",
            f"{row['tokens']:,}",
        ]
        for row in worst.iter_rows(named=True)
    ]
    columns: Columns = [
        ("text", "text"), ("actual", "name"), ("predicted", "name"), ("probability", "number"),
        ("of the actual label", "number"), ("tokens", "number"),
    ]  # fmt: skip
    note = Note(
        f"{len(rows)} of {wrong:,} wrong predictions, most probable first; texts are cut at {MAX_CHARACTERS} "
        "characters."
    )
    return Section("errors", "Errors that the model is surest of", [note, Table(columns, rows)])


def _cut(text: str) -> str:
    """Return a text in one paragraph, cut where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS].rstrip() + " …"
