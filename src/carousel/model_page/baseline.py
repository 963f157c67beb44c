"""A model beside the baseline, A in the comparison of both."""

import polars as pl

from carousel.comparison.paired import Comparison, p_value, points
from carousel.model_page.section import MAX_ROWS, NONE, Bar, Cell, Columns, Note, Section, Table

OTHER_METRICS = {"loss": "loss", "calibration_error": "expected calibration error"}


def verdict(comparison: Comparison, baseline: str) -> str:
    """Return one sentence: whether the model is better than the baseline, and each metric of both.

    Args:
        comparison: of the baseline, A, and the model, B.
        baseline: what the baseline is called.
    """
    found = []
    for metric in comparison.declared:
        both = comparison.metrics[metric.name]
        found.append(f"{metric.title} {both.b:.4f} against {both.a:.4f} ({points(both.difference)} points)")
    said = {None: "No difference shown from", "A": "Worse than", "B": "Better than"}[comparison.better]
    return f"{said} the {baseline}: {', '.join(found)}"


def metrics(comparison: Comparison, measured: dict[str, float], baseline: str) -> Section:
    """Return the metrics of both on the test split.

    Args:
        comparison: of the baseline, A, and the model, B.
        measured: every metric of the model.
        baseline: what the baseline is called.
    """
    rows: list[list[Cell]] = []
    for metric in comparison.declared:
        before, model, *difference = comparison.metrics[metric.name].shown()
        rows.append([metric.title, model, before, *difference])
    declared = {metric.name for metric in comparison.declared}
    for name, value in measured.items():
        if name not in declared:
            title = OTHER_METRICS.get(name, name.replace("_", " ").replace(" f1", "-F1"))
            rows.append([title, f"{value:.4f}", NONE, NONE, NONE, NONE])
    table = Table(
        [
            ("metric", "name"),
            ("model", "number"),
            (baseline, "number"),
            ("difference, points", "number"),
            (f"{100 * comparison.level:g} % interval", "number"),
            ("confidence that the model is better", "number"),
        ],
        rows,
    )
    note = Note(
        f"Right by the model alone: {comparison.only_b}; by the baseline alone: {comparison.only_a}; McNemar's "
        f"exact test: p {p_value(comparison.p)}. The same prediction: {100 * comparison.agreement:.1f} %. "
        f"Intervals are from a paired bootstrap over the {comparison.examples:,} test {comparison.example}s: they "
        "say nothing about training again with another seed."
    )
    return Section("metrics", "Metrics on the test split", [table, note])


def by_class(found: pl.DataFrame, kind: str, counted: str, comparison: Comparison) -> list[Note | Table]:
    """Return a table of each class beside the baseline, lowest F1 first.

    Args:
        found: the model's `precision`, `recall` and `f1`, each class's name under `kind`, and how often it occurs
            under `counted`.
        kind: what a class is, such as `label`.
        counted: what `found` counts, such as `documents`.
        comparison: of the baseline, A, and the model, B.
    """
    slices = {part.name: part for part in comparison.slices.get(kind, ())}
    table = found.sort("f1", kind).head(MAX_ROWS)
    rows, bold = [], set()
    for place, row in enumerate(table.iter_rows(named=True)):
        part = slices.get(row[kind])
        before = None if part is None else part.f1[0] if part.f1 is not None else part.a
        rows.append(
            [
                row[kind],
                f"{row[counted]:,}",
                f"{row['precision']:.3f}",
                f"{row['recall']:.3f}",
                Bar(row["f1"], f"{row['f1']:.3f}", mark=before),
                NONE if before is None else f"{before:.3f}",
                NONE if before is None else points(row["f1"] - before),
            ]
        )
        if part is not None and part.p is not None and part.p < 1 - comparison.level:
            bold.add(place)
    columns: Columns = [
        (kind, "name"), (counted, "number"), ("precision", "number"), ("recall", "number"), ("F1", "bar"),
        ("F1, baseline", "number"), ("difference, points", "number"),
    ]  # fmt: skip
    text = f"{table.height} of {found.height} {kind}s, lowest F1 first; the orange mark is the baseline."
    if any(part.p is not None for part in slices.values()):
        text += (
            " A row in bold differs from the baseline in recall by McNemar's exact test, adjusted by Holm for the "
            "number of rows; the difference in any other row may be chance."
        )
    return [Table(columns, rows, frozenset(bold)), Note(text)]
