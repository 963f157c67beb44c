"""The rows of the results: means of runs, and effects of ablations."""

import statistics
from typing import Any

from bench.page import machine
from bench.results.run import Run

Row = dict[str, Any]


def row(name: str, model: str, runs: list[Run], seeds: int, folds: int) -> Row:
    """Return a set's and a model's row, of runs that were made on this machine.

    Args:
        name: the set.
        model: `tuned`, `defaults`, `linear` or `fasttext`.
        runs: one for each seed and fold.
        seeds: how many.
        folds: of cross-validation; 1 has a test split.
    """
    tests, here = [run.test for run in runs if run.test is not None], machine()
    cores = f"{here['cores']} core{'s' if here['cores'] > 1 else ''}"
    return {
        "set": name,
        "model": model,
        "mean": round(100 * statistics.mean(tests), 3),
        "std": round(100 * statistics.stdev(tests), 3) if len(tests) > 1 else 0.0,
        "macro_f1": _mean([run.macro_f1 for run in runs], 100, 3),
        "seeds": seeds,
        "folds": folds,
        "minutes": round(statistics.mean(run.minutes for run in runs), 3),
        "out_of_vocabulary": _mean([run.out_of_vocabulary for run in runs], 100, 2),
        "tokens_per_second": _mean([run.tokens_per_second for run in runs], 1, 0),
        "detail": "; ".join(dict.fromkeys(run.detail for run in runs)),
        "val": round(100 * statistics.mean(run.val for run in runs), 2),
        "machine": f"{here['processor']}, {cores}, Python {here['python']}, torch {here['torch']}",
        "date": here["date"],
    }


def _mean(values: list[float | None], factor: int, digits: int) -> float | None:
    """Return the mean, times a factor, or None where a run has no value."""
    known = [value for value in values if value is not None]
    return round(factor * statistics.mean(known), digits) if len(known) == len(values) else None


def effect(ablation: str, name: str, runs: list[Run], without: list[Run], note: str) -> Row:
    """Return what an ablation does to a set's validation accuracy, in points, and to training's minutes.

    Args:
        ablation: its name.
        name: the set.
        runs: with it, one for each seed.
        without: the defaults, of the same seeds.
        note: for the reader.
    """
    values = [100 * run.val for run in runs]
    before = statistics.mean(100 * run.val for run in without)
    return {
        "ablation": ablation,
        "set": name,
        "val": round(statistics.mean(values), 2),
        "effect": round(statistics.mean(values) - before, 2),
        "std": round(statistics.stdev(values), 2) if len(values) > 1 else 0.0,
        "seeds": len(runs),
        "times": round(sum(run.minutes for run in runs) / max(sum(run.minutes for run in without), 1e-9), 2),
        "note": note,
    }


def merged(old: list[Row], new: list[Row], *keys: str) -> list[Row]:
    """Return the rows of both, new ones in the place of old ones that have the same `keys`."""
    rows = {tuple(found[key] for key in keys): found for found in [*old, *new]}
    return list(rows.values())
