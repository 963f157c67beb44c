"""Measure accuracy on published data sets, and write docs/results.md and docs/results.json.

    python -m bench.results [--data FOLDER] [--only SET ...] [--model MODEL ...] [--seeds N] [--page-only]

Finished runs are kept in .carousel/results: an interrupted measurement goes on where it was.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.results import page, run, tagging, tokenizers
from bench.results.experiment import ABLATIONS, FOLDER, Experiment, ablations, experiment, overridden
from bench.results.run import Run
from bench.results.sets import GROUPS, SETS, members
from bench.results.table import Row, effect, merged, row
from carousel.errors import UserError
from carousel.files import read_json, write_json
from carousel.tasks.classification.params import Params

RESULTS = Path("docs/results.json")
MODELS = ("tuned", "defaults", "linear", "fasttext")


def measure(name: str, model: str, seeds: int, data: Path) -> Row:
    """Make, or find, every run of a model on a set."""
    found = experiment(name)
    where = str(FOLDER / f"{name}.yaml")
    tuned, defaults = overridden(found.params, where), overridden({}, where)
    folds = SETS[name].folds
    used = 1 if folds > 1 or model == "linear" else seeds  # folds are deviation enough, and ten times the work
    runs: list[Run] = []
    for fold in range(folds):
        for seed in range(used):
            label = f"{name} {model} seed {seed}" + (f" fold {fold + 1} of {folds}" if folds > 1 else "")
            if model == "linear":
                runs.append(run.baseline(found, defaults, fold, data, label=label))
            elif model == "fasttext":
                runs.append(run.fasttext(found, defaults, seed, fold, data, label=label))
            else:
                params = tuned if model == "tuned" else defaults
                runs.append(run.carousel(found, params, seed, fold, data, test=True, label=label))
    return row(name, model, runs, used, folds)


def measure_ablations(only: list[str], seeds: int, data: Path) -> Iterator[Row]:
    """Make, or find, the runs of every ablation; none of them looks at a test split."""
    table = ablations()
    for ablation, found in table.ablations.items():
        for name in found.sets or table.sets:
            if name in only:
                changed = overridden(found.params, f"{ABLATIONS}: {ablation}")
                defaults = overridden({}, str(ABLATIONS))
                with_it = _validated(Experiment(set=name, phrases=found.phrases), changed, ablation, seeds, data)
                without = _validated(Experiment(set=name), defaults, "defaults", seeds, data)
                yield effect(ablation, name, with_it, without, found.note)
    for dropped, others in ((False, table.reported), (True, table.dropped)):
        for ablation, reported in others.items():
            for name, points in reported.effect.items():
                if name in only:
                    yield {
                        "ablation": ablation, "set": name, "val": None, "effect": points, "std": 0.0,
                        "seeds": reported.seeds, "times": None, "note": reported.note, "dropped": dropped,
                    }  # fmt: skip


def _validated(found: Experiment, params: Params, model: str, seeds: int, data: Path) -> list[Run]:
    return [
        run.carousel(found, params, seed, 0, data, test=False, label=f"{found.set} {model} seed {seed}")
        for seed in range(seeds)
    ]


def main() -> None:
    """Measure, write what is there after each row, and end with the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.results", description="Write docs/results.md.")
    parser.add_argument("--data", type=Path, default=Path("data/benchmarks"), help="the folder of the data sets")
    names = [*SETS, *GROUPS]
    parser.add_argument(
        "--only", nargs="+", choices=names, default=list(SETS), metavar="SET", help=", ".join(names)
    )
    choices = [*MODELS, "ablations", "tokenizers", "tagging"]
    parser.add_argument("--model", nargs="+", choices=choices, default=choices, help="these columns alone")
    parser.add_argument("--seeds", type=int, default=3, help="0 to N - 1 (default: 3)")
    parser.add_argument("--page-only", action="store_true", help="write the page again from docs/results.json")
    options = parser.parse_args()
    only = [name for chosen in options.only for name in members(chosen)]
    if options.seeds < 1:
        parser.error("--seeds: at least 1")
    try:
        results = read_json(RESULTS) if RESULTS.exists() else {"rows": [], "ablations": [], "tokenizers": []}
        if options.page_only:
            if not RESULTS.exists():
                raise UserError(f"{RESULTS}: no such file; a measurement writes it")
            page.write(results)
            return
        _measure(results, only, options.model, options.seeds, options.data)
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped: the same command goes on from here")
    print(f"written: {page.PAGE}, {RESULTS}")


def _measure(results: dict[str, list[Row]], only: list[str], models: list[str], seeds: int, data: Path) -> None:
    """Add the rows of each table to the results, and write them after each row."""
    for name in only:
        for model in [model for model in MODELS if model in models]:
            found = [measure(name, model, seeds, data)]
            results["rows"] = merged(results["rows"], found, "set", "model")
            _write(results)
    if "ablations" in models:
        for ablation in measure_ablations(only, seeds, data):
            results["ablations"] = merged(results["ablations"], [ablation], "ablation", "set")
            _write(results)
    if "tokenizers" in models:
        for found_row in tokenizers.measure(only, data):
            results["tokenizers"] = merged(results.get("tokenizers", []), [found_row], "set", "tokenizer")
            _write(results)
    if "tagging" in models:
        for name in tagging.SETS:
            rows = tagging.measure(name, seeds, data)
            results["tagging"] = merged(results.get("tagging", []), rows, "set", "model")
            _write(results)


def _write(results: dict[str, list[Row]]) -> None:
    write_json(RESULTS, results)
    page.write(results)


if __name__ == "__main__":
    main()
