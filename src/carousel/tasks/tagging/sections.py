"""What the model page shows of a tagger."""

import polars as pl

from carousel.comparison.paired import Comparison
from carousel.interval import wilson
from carousel.model_page import baseline
from carousel.model_page.confusion import confusion
from carousel.model_page.section import Bar, Cell, Columns, Html, Note, Section, Table
from carousel.tasks.tagging import sentences
from carousel.tasks.tagging.report import MISSED, SPURIOUS, TaggingReport
from carousel.tasks.tagging.scores import METRICS


def sections(report: TaggingReport, comparison: Comparison) -> list[Section]:
    """Return what the page shows.

    Args:
        report: of the model on the test split.
        comparison: of the baseline, A, and the model, B.
    """
    kind = "type" if report.unit == "spans" else "tag"
    by_type = report.by_type().rename({"type": kind, "support": report.unit})
    found = [
        Section("types", f"By {kind}", baseline.by_class(by_type, kind, report.unit, comparison)),
        confusion(report.confusion(), report.unit, (SPURIOUS, MISSED) if report.unit == "spans" else None),
        _by_length(report, comparison),
    ]
    if report.known is not None:
        found.append(Section("known", "Words in and out of the vocabulary", [_by_known(report.by_known())]))
    if report.probabilities is not None:
        found.append(_calibration(report.calibration()))
    found.append(Section("errors", "Sentences with the most errors", [Html(sentences.render(report))]))
    return found


def _by_length(report: TaggingReport, comparison: Comparison) -> Section:
    """Return F1 and exact match by length; exact match is a fraction of sentences, so that it has an interval."""
    name, title = METRICS[0].name, METRICS[0].title
    before = {part.name: part.a for part in comparison.slices["length"]}
    table = report.by_length()
    low, high = wilson((table["exact_match"] * table["sentences"]).to_numpy(), table["sentences"].to_numpy())
    rows: list[list[Cell]] = []
    for row, ends in zip(table.iter_rows(named=True), zip(low.tolist(), high.tolist(), strict=True), strict=True):
        rows.append(
            [
                row["tokens"],
                f"{row['sentences']:,}",
                Bar(row[name], f"{row[name]:.3f}", mark=before.get(row["tokens"])),
                Bar(row["exact_match"], f"{row['exact_match']:.3f}", ends),
            ]
        )
    columns: Columns = [("tokens", "name"), ("sentences", "number"), (title, "bar"), ("exact match", "bar")]
    note = Note(
        "The line on a bar of exact match is its 95 % interval (Wilson); the orange mark is the baseline's "
        f"{title}. A length with few sentences says little."
    )
    return Section("lengths", "By length", [Table(columns, rows), note])


def _by_known(table: pl.DataFrame) -> Table:
    rows = [[_number(value) for value in row] for row in table.iter_rows()]
    columns: Columns = [("words", "name"), *((name.replace("f1", "F1"), "number") for name in table.columns[1:])]
    return Table(columns, rows)


def _number(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _calibration(table: pl.DataFrame) -> Section:
    rows: list[list[Cell]] = [
        [f"{row['above']:.2f} to {row['to']:.2f}", f"{row['count']:,}", f"{row['probability']:.3f}",
         Bar(row["accuracy"], f"{row['accuracy']:.3f}", mark=row["probability"])]
        for row in table.iter_rows(named=True)
    ]  # fmt: skip
    columns: Columns = [
        ("probability of the tag", "name"), ("tokens", "number"), ("mean probability", "number"),
        ("accuracy", "bar"),
    ]  # fmt: skip
    note = Note("The orange mark is the mean probability: a calibrated model's bars end there.")
    return Section("calibration", "Calibration", [Table(columns, rows), note])
