"""What a model was trained and tested on."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from carousel.corpus.document import SPLITS
from carousel.model_page.section import MAX_ROWS, NONE, Bar, Cell, Columns, Note, Part, Section, Table

QUANTILES = (0.5, 0.9, 0.99)
Lengths = npt.NDArray[np.int64]


def section(
    report: dict[str, Any],
    target: str,
    example: str,
    histogram: pl.DataFrame,
    lengths: dict[str, tuple[Lengths, Lengths]],
) -> Section:
    """Return sizes of the splits, how often each class occurs, and the lengths of examples.

    Args:
        report: content of reports/data.json.
        target: what the model predicts, such as `label`.
        example: what an example is called.
        histogram: content of reports/lengths.csv.
        lengths: tokens of each example and how many of them are read, by split.
    """
    dropped = report["dropped"]
    parts: list[Part] = [
        _sizes(report["documents"], example, lengths),
        Note(
            f"Dropped before splitting: {dropped['duplicates']:,} duplicates, and "
            f"{dropped['also_in_a_later_split']:,} {example}s that a later split has. Lengths are in tokens."
        ),
        _histogram(histogram),
        _classes(report[f"{target}s"], target),
    ]
    return Section("data", "Data", parts)


def _sizes(documents: dict[str, int], example: str, lengths: dict[str, tuple[Lengths, Lengths]]) -> Table:
    rows = []
    for split in SPLITS:
        whole, read = lengths[split]
        quantiles = [f"{value:,.0f}" for value in np.quantile(whole, QUANTILES)] if len(whole) else [NONE] * 3
        longest = f"{int(whole.max(initial=0)):,}"
        rows.append([split, f"{documents[split]:,}", *quantiles, longest, f"{int((whole > read).sum()):,}"])
    columns: Columns = [
        ("split", "name"), (f"{example}s", "number"), ("median length", "number"), ("90 % up to", "number"),
        ("99 % up to", "number"), ("longest", "number"), ("cut", "number"),
    ]  # fmt: skip
    return Table(columns, rows)


def _histogram(table: pl.DataFrame) -> Table:
    widest = max(float(table["share"].max() or 0), 1e-9)  # type: ignore[arg-type]
    found = {(row["tokens"], row["split"]): row for row in table.iter_rows(named=True)}
    rows: list[list[Cell]] = []
    for tokens in table["tokens"].unique(maintain_order=True):
        cells: list[Cell] = [tokens]
        for split in SPLITS:
            row = found.get((tokens, split))
            share = 0.0 if row is None else row["share"]
            cells.append(Bar(share / widest, f"{100 * share:.1f} %"))
        rows.append(cells)
    return Table([("tokens", "name"), *((split, "bar") for split in SPLITS)], rows)


def _classes(counts: dict[str, dict[str, int]], target: str) -> Table:
    totals = {split: max(sum(of_split.values()), 1) for split, of_split in counts.items()}
    names = sorted({name for of_split in counts.values() for name in of_split})
    widest = max(count / totals[split] for split, of_split in counts.items() for count in of_split.values())
    names.sort(key=lambda name: -counts["train"].get(name, 0))
    rows: list[list[Cell]] = []
    for name in names[:MAX_ROWS]:
        cells: list[Cell] = [name]
        for split in SPLITS:
            count = counts[split].get(name, 0)
            cells.append(Bar(count / totals[split] / widest, f"{count:,}"))
        rows.append(cells)
    title = target if len(names) <= MAX_ROWS else f"{target} ({MAX_ROWS} of {len(names)})"
    return Table([(title, "name"), *((split, "bar") for split in SPLITS)], rows)


def vocabulary(report: dict[str, Any], params: dict[str, str], unknown: pl.DataFrame) -> Section:
    """Return tokenizer, size of the vocabulary, and what it lacks.

    Args:
        report: content of reports/vocab.json.
        params: that the model was trained with.
        unknown: `token` and `count` of tokens of the test split that are not in the vocabulary.
    """
    rates = report["oov_rate"]
    facts = [
        ("tokenizer", params.get("tokenizer.name", NONE)),
        ("vocabulary", f"{report['size']:,} tokens of {report['distinct_in_train']:,} distinct ones in train"),
        ("out of vocabulary", ", ".join(f"{split} {100 * rates[split]:.2f} %" for split in ("val", "test"))),
        ("longest text that is read", f"{params.get('encode.max_length', NONE)} tokens"),
    ]
    parts: list[Part] = [Table([("", "name"), ("", "name")], facts)]
    if unknown.height:
        rows = [[token, f"{count:,}"] for token, count in unknown.iter_rows()]
        parts += [
            Note("Most frequent tokens of the test split that are not in the vocabulary:"),
            Table([("token", "name"), ("times", "number")], rows),
        ]
    else:
        parts.append(Note("The vocabulary has every token of the test split."))
    return Section("vocabulary", "Tokens and vocabulary", parts)
