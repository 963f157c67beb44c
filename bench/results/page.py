"""The measured part of docs/results.md, from docs/results.json."""

import statistics
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from bench.page import table
from bench.results import tagging, tokenizers
from bench.results.sets import GROUPS, SETS, members
from bench.results.table import Row
from carousel.files import write_text
from carousel.points import points

PAGE = Path("docs/results.md")
BEGIN, END = "<!-- measured: make results writes from here -->", "<!-- to here -->"
MODELS = {
    "tuned": "Carousel, tuned",
    "defaults": "Carousel, defaults",
    "linear": "TF-IDF, linear SVM",
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
    parts = [_machines(rows, marks)] if rows else []
    parts += [f"### {SETS[name].title}\n\n{_scores(name, rows, marks)}" for name in sets if not SETS[name].group]
    for group, title in GROUPS.items():
        languages = [name for name in members(group) if name in sets]
        if languages:
            parts.append(f"### {title}\n\n{_group(languages, rows)}")
    if by_tokenizer := tokenizers.page(results.get("tokenizers", [])):
        parts.append(f"### Tokenizers by language\n\n{by_tokenizer}")
    if tagged := tagging.page(results.get("tagging", [])):
        parts.append(f"### Tagging\n\n{tagged}")
    if results["ablations"]:
        parts.append(f"### Ablations\n\n{_ablations(results['ablations'])}")
    return "\n\n".join(parts)


def _marks(rows: list[Row]) -> dict[str, str]:
    """Return what stands behind the minutes of each machine: nothing if there is one machine alone."""
    machines = list(dict.fromkeys(row["machine"] for row in rows))
    return dict(zip(machines, ascii_lowercase if len(machines) > 1 else [""], strict=False))


def _machines(rows: list[Row], marks: dict[str, str]) -> str:
    names = "; ".join(f"{mark}: {machine}" if mark else machine for machine, mark in marks.items())
    return f"Measured on {names}. The last row is of {max(row['date'] for row in rows)}."


def _scores(name: str, rows: list[Row], marks: dict[str, str]) -> str:
    """Return a line for each model of a set, and for each published one."""
    found = {row["model"]: row for row in rows if row["set"] == name}
    head = ["", "accuracy", "macro-F1", "above the SVM", "out of vocabulary", "tokens/s", "seeds", "minutes"]
    lines = [
        [
            MODELS[model],
            f"**{found[model]['mean']:.1f}**" + _spread(found[model]),
            _number(found[model], "macro_f1", ".1f"),
            _difference(found[model], found.get("linear")),
            _number(found[model], "out_of_vocabulary", ".1f", " %"),
            _number(found[model], "tokens_per_second", ",.0f"),
            found[model]["seeds"],
            f"{found[model]['minutes']:.1f} {marks[found[model]['machine']]}".rstrip(),
        ]
        for model in MODELS
        if model in found
    ]
    empty = [""] * 5
    lines += [[f"published: {who}", f"{score:.1f}", "", *empty] for who, score in SETS[name].published.items()]
    lines += [
        [f"published: {who}", "", f"{score:.1f}", *empty] for who, score in SETS[name].published_macro_f1.items()
    ]
    return table(head, lines)


def _group(names: list[str], rows: list[Row]) -> str:
    """Return a line for each set and one for the mean: accuracy, macro-F1, and how far above the baseline."""
    found = {(row["set"], row["model"]): row for row in rows if row["set"] in names}
    models = [model for model in MODELS if any((name, model) in found for name in names)]
    means = {model: _average([found[name, model] for name in names if (name, model) in found]) for model in models}
    lines = [
        [SETS[name].title, *[_cell(found.get((name, model)), found.get((name, "linear"))) for model in models]]
        for name in names
    ]
    whole = [model for model in models if means[model]["sets"] == len(names)]
    lines.append(["mean", *[_cell(means[m], means.get("linear")) if m in whole else "" for m in models]])
    return table(["accuracy / macro-F1 (above the SVM)", *[MODELS[model] for model in models]], lines)


def _average(rows: list[Row]) -> Row:
    scores = [row.get("macro_f1") for row in rows]
    return {
        "model": rows[0]["model"],
        "sets": len(rows),
        "mean": statistics.mean(row["mean"] for row in rows),
        "macro_f1": None if None in scores else statistics.mean(scores),
        "seeds": 1,  # the deviation of a mean over sets is not known
        "folds": 1,
    }


def _cell(row: Row | None, linear: Row | None) -> str:
    if row is None:
        return ""
    difference = _difference(row, linear)
    macro_f1 = _number(row, "macro_f1", ".1f")
    return f"**{row['mean']:.1f}**{_spread(row)} / {macro_f1 or '?'}" + (f" ({difference})" if difference else "")


def _difference(row: Row, linear: Row | None) -> str:
    """Return how many points of accuracy and macro-F1 a row is above the linear baseline's."""
    if linear is None or row["model"] == "linear":
        return ""
    keys = ("mean", "macro_f1")
    known = [key for key in keys if row.get(key) is not None and linear.get(key) is not None]
    return " / ".join(points(row[key] / 100, linear[key] / 100) for key in known)


def _number(row: Row, key: str, form: str, unit: str = "") -> str:
    """Return a row's number, or nothing: fastText has no macro-F1, and older rows lack more."""
    return "" if row.get(key) is None else f"{row[key]:{form}}{unit}"


def _spread(row: Row) -> str:
    """Return the standard deviation, of more than one run."""
    return f" ± {row['std']:.1f}" if row["seeds"] * row["folds"] > 1 else ""


def _ablations(rows: list[Row]) -> str:
    """Return a line for each ablation, with a column for each set; reported and dropped ones come last."""
    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    ablations: dict[str, dict[str, Row]] = {}
    # Of what the command did not measure, only the effect is known
    for row in sorted(rows, key=lambda row: (row["val"] is None, row.get("dropped", False))):
        ablations.setdefault(row["ablation"], {})[row["set"]] = row
    lines = []
    for ablation, found in ablations.items():
        first = next(iter(found.values()))
        times = [row["times"] for row in found.values() if row["times"] is not None]
        lines.append(
            [
                ablation + (" (dropped)" if first.get("dropped") else ""),
                *[f"{found[name]['effect']:+z.1f}" if name in found else "" for name in sets],
                first["seeds"],
                f"{statistics.mean(times):.1f}" if times else "",
                first["note"],
            ]
        )
    return table(["ablation", *sets, "seeds", "time", ""], lines)
