"""The measured part of docs/results.md, from docs/results.json."""

import statistics
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from bench.page import table
from bench.results.sets import SETS
from bench.results.table import Row
from carousel.files import write_text

PAGE = Path("docs/results.md")
BEGIN, END = "<!-- measured: make results writes from here -->", "<!-- to here -->"
MODELS = {
    "tuned": "Carousel, tuned",
    "defaults": "Carousel, defaults",
    "linear": "TF-IDF, logistic regression",
    "fasttext": "fastText",
}


def write(results: dict[str, Any]) -> None:
    """Put the results between the page's two marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    write_text(PAGE, f"{before}{BEGIN}\n\n{measured(results)}\n\n{END}{after}")


def measured(results: dict[str, Any]) -> str:
    """Return the measured part of the page."""
    rows, marks = results["rows"], _marks(results["rows"])
    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    parts = [
        *([_machines(rows, marks)] if rows else []),
        *[f"### {SETS[name].title}\n\n{_accuracies(name, rows, marks)}" for name in sets],
    ]
    if results["levers"]:
        parts.append(f"### Levers\n\n{_levers(results['levers'])}")
    return "\n\n".join(parts)


def _marks(rows: list[Row]) -> dict[str, str]:
    """Return what stands behind the minutes of each machine: nothing if there is one machine alone."""
    machines = list(dict.fromkeys(row["machine"] for row in rows))
    return dict(zip(machines, ascii_lowercase if len(machines) > 1 else [""], strict=False))


def _machines(rows: list[Row], marks: dict[str, str]) -> str:
    names = "; ".join(f"{mark}: {machine}" if mark else machine for machine, mark in marks.items())
    return f"Measured on {names}. The last row is of {max(row['date'] for row in rows)}."


def _accuracies(name: str, rows: list[Row], marks: dict[str, str]) -> str:
    found = {row["model"]: row for row in rows if row["set"] == name}
    lines = [
        [
            MODELS[model],
            f"**{found[model]['mean']:.1f}**" + _spread(found[model]),
            found[model]["seeds"],
            f"{found[model]['minutes']:.1f} {marks[found[model]['machine']]}".rstrip(),
        ]
        for model in MODELS
        if model in found
    ]
    published = [[f"published: {who}", f"{figure:.1f}", "", ""] for who, figure in SETS[name].published.items()]
    return table(["", "accuracy", "seeds", "minutes"], [*lines, *published])


def _spread(row: Row) -> str:
    """Return the deviation, of more than one run."""
    return f" ± {row['std']:.1f}" if row["seeds"] * row["folds"] > 1 else ""


def _levers(rows: list[Row]) -> str:
    """Return a line a lever, with a column for each set; those that are told and those that were dropped last."""
    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    levers: dict[str, dict[str, Row]] = {}
    # Of what the command did not measure, only the effect is known
    for row in sorted(rows, key=lambda row: (row["val"] is None, row.get("dropped", False))):
        levers.setdefault(row["lever"], {})[row["set"]] = row
    lines = []
    for lever, found in levers.items():
        first = next(iter(found.values()))
        times = [row["times"] for row in found.values() if row["times"] is not None]
        lines.append(
            [
                lever + (" (dropped)" if first.get("dropped") else ""),
                *[f"{found[name]['effect']:+z.1f}" if name in found else "" for name in sets],
                first["seeds"],
                f"{statistics.mean(times):.1f}" if times else "",
                first["note"],
            ]
        )
    return table(["lever", *sets, "seeds", "time", ""], lines)
