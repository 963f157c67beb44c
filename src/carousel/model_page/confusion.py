"""Which classes a model takes for which."""

from collections import defaultdict

import polars as pl

from carousel.model_page.section import Columns, Matrix, Note, Section, Table
from carousel.plotting import MAX_NAMED

MOST = 20  # confusions that are listed


def confusion(counts: pl.DataFrame, unit: str, missing: tuple[str, str] | None = None) -> Section:
    """Return the matrix, if the classes are few enough, and the most frequent confusions.

    Args:
        counts: `actual`, `predicted`, and how often under `unit`. Null stands for no class.
        unit: what is counted, such as `documents`.
        missing: names of the row and the column of no class; None if there is none.
    """
    classes = sorted({*counts["actual"], *counts["predicted"]} - {None})
    found: dict[tuple[str | None, str | None], int] = defaultdict(int)
    for actual, predicted, count in counts.select("actual", "predicted", unit).iter_rows():
        found[actual, predicted] += count
    row_of, column_of = missing or ("", "")
    parts: list[Matrix | Note | Table] = []
    if len(classes) <= MAX_NAMED:
        names: list[str | None] = [*classes, *([None] if missing else [])]
        cells = [[found.get((row, column), 0) for column in names] for row in names]
        rows, columns = ([*classes, *([end] if missing else [])] for end in (row_of, column_of))
        parts.append(Matrix(rows, columns, cells))
        parts.append(Note(f"Counts of {unit}; the colour is the fraction of the row, the actual class."))
    wrong = sorted(
        ((count, pair) for pair, count in found.items() if pair[0] != pair[1]),
        key=lambda each: (-each[0], each[1][0] or "", each[1][1] or ""),
    )
    if wrong:
        listed = [
            [row_of if a is None else a, column_of if b is None else b, f"{n:,}"] for n, (a, b) in wrong[:MOST]
        ]
        header: Columns = [("actual", "name"), ("predicted", "name"), (unit, "number")]
        parts.append(Table(header, listed, folded="Most frequent confusions" if parts else ""))
    else:
        parts.append(Note("No class was taken for another."))
    return Section("confusion", "Confusion", parts)
