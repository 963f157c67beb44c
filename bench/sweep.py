"""Sweeps: trials an hour with one worker, with two, and of a naive script; or every sampler beside the others.

    python -m bench.sweep [--trials 8]
    python -m bench.sweep [--trials 20] --samplers --pruners [--plot docs/images/samplers.png]

It runs in a checkout whose data is encoded (`dvc repro encode`), on that data, with the model of params.yaml. The
naive script is what one writes first: a fresh interpreter for each trial, which reads the prepared texts, makes
tokens, vocabulary and ids, and trains. The last line is one JSON object:

    speedup_two_workers    trials an hour of two workers over those of one
    ratio_naive            trials an hour of one worker over those of the naive script
    trial_overhead         share of one worker's time that is not spent in epochs: start, imports, data, storage
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from carousel import layout
from carousel.params import Hparams, Params, load
from carousel.search.messages import Data
from carousel.search.outcome import Outcome
from carousel.search.progress import TrialLines
from carousel.search.pruners import PRUNERS
from carousel.search.samplers import SAMPLERS
from carousel.search.study import EPOCHS, SECONDS
from carousel.search.sweep import search

# What every sampler can search: ranges, none without a step
SPACE = {
    "model.hidden_size": {"low": 64, "high": 192, "step": 64},
    "model.dropout": {"low": 0.2, "high": 0.7, "step": 0.1},
    "model.word_dropout": {"low": 0.0, "high": 0.4, "step": 0.1},
    "train.learning_rate": {"low": 0.001, "high": 0.01, "step": 0.001},
}


def swept(params: Params, data: Data, **changes: Any) -> tuple[Outcome, float]:
    """Run a sweep in a storage of its own; return it and its seconds, the start included."""
    sweep = type(params.sweep).model_validate(
        {**params.sweep.model_dump(), "storage": None, "space": SPACE, **changes}
    )
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        outcome = search(sweep, params.hparams, data, place=Path(folder) / "studies.journal", watcher=TrialLines())
        seconds = time.perf_counter() - began
        outcome.report()  # it is kept from here on; the journal is not
    return outcome, seconds


def naive(hparams: Hparams, trials: int) -> float:
    """Return the seconds of so many trials, each in an interpreter of its own with a data pass of its own."""
    began = time.perf_counter()
    for _ in range(trials):
        command = [sys.executable, "-m", "bench.naive", hparams.model_dump_json()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def rates(params: Params, data: Data, trials: int) -> dict[str, float]:
    """Compare one worker, two, and the naive script: the same trials, of params.yaml's own size, none pruned."""
    same: dict[str, Any] = {"trials": trials, "sampler": "random", "pruner": "none"}
    same["space"] = {"train.learning_rate": {"low": 0.002, "high": 0.006}}  # no trial is longer than another
    outcome, one = swept(params, data, **same, workers=1)
    _, two = swept(params, data, **same, workers=2)
    alone = naive(outcome.study.short, max(2, trials // 4)) / max(2, trials // 4) * trials
    epochs = sum(sum(trial.user_attrs[EPOCHS]) for trial in outcome.trials)
    return {
        "trials_an_hour_one": round(3600 * trials / one, 1),
        "trials_an_hour_two": round(3600 * trials / two, 1),
        "trials_an_hour_naive": round(3600 * trials / alone, 1),
        "speedup_two_workers": round(one / two, 2),
        "ratio_naive": round(alone / one, 2),
        "trial_overhead": round(1 - epochs / one, 3),
    }


def compared(params: Params, data: Data, trials: int, key: str, names: list[str]) -> dict[str, Any]:
    """Run one space with each sampler or pruner; print the best value after so many trials, and the seconds."""
    results: dict[str, Any] = {}
    print(f"| {key} | " + " | ".join(f"after {n}" for n in marks(trials)) + " | seconds | pruned |")
    print("|---" * (len(marks(trials)) + 3) + "|")
    for name in names:
        fixed = {"sampler": "tpe", "pruner": "none"} | {key: name}
        outcome, seconds = swept(params, data, **fixed, trials=trials)
        # a pruned trial may not win, so its value is none of the best
        ends = [outcome.value(trial) if trial.state is TrialState.COMPLETE else 0.0 for trial in outcome.trials]
        best = list(accumulate(ends, max))
        at = [round(second, 1) for second in accumulate(trial.user_attrs[SECONDS] for trial in outcome.trials)]
        pruned = outcome.count(TrialState.PRUNED)
        results[name] = {"best": best, "at": at, "seconds": round(seconds), "pruned": pruned}
        cells = [f"{best[min(n, len(best)) - 1]:.4f}" for n in marks(trials)]
        print(f"| {name} | " + " | ".join(cells) + f" | {seconds:.0f} | {pruned} |", flush=True)
    return results


def marks(trials: int) -> list[int]:
    """Return after how many trials the best value is told."""
    return sorted({max(1, trials // 3), max(1, 2 * trials // 3), trials})


def draw(results: dict[str, Any], file: Path) -> None:
    """Draw the best value against trials and against seconds, a row for samplers and one for pruners."""
    from matplotlib.figure import Figure

    keys = [key for key in ("samplers", "pruners") if key in results]
    figure = Figure(figsize=(11, 4.2 * len(keys)), layout="constrained")
    for row, panels in zip(keys, figure.subplots(len(keys), 2, sharey="row", squeeze=False), strict=True):
        for name, found in results[row].items():
            trials = range(1, len(found["best"]) + 1)
            for panel, places in zip(panels, (trials, found["at"]), strict=True):
                panel.step(places, found["best"], where="post", label=name)
        for panel, label in zip(panels, ("trials", "seconds of trials"), strict=True):
            panel.set_xlabel(label)
            panel.grid(alpha=0.3)
        panels[0].xaxis.get_major_locator().set_params(integer=True)
        panels[0].set_ylabel("best validation accuracy")
        panels[0].set_title(row)
        # the first trials are bad with all of them, and would hide what differs later
        ends = [value for found in results[row].values() for value in found["best"]]
        top, low = max(ends), min(found["best"][0] for found in results[row].values())
        panels[0].set_ylim(low - 0.05 * (top - low), top + 0.05 * (top - low))
        panels[1].legend(loc="lower right", fontsize="small")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)


def main() -> None:
    """Measure, and end with JSON."""
    parser = argparse.ArgumentParser(description="Trials an hour, or every sampler and pruner beside the others.")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--samplers", action="store_true", help="instead, every sampler on one space")
    parser.add_argument("--pruners", action="store_true", help="instead, every pruner on one space")
    parser.add_argument("--plot", type=Path, help="draw what --samplers and --pruners found into this file")
    options = parser.parse_args()
    beside = options.samplers or options.pruners
    if options.plot and not beside:
        parser.error("--plot draws what --samplers and --pruners find: add one")
    params = load()
    data = Data(params.task, layout.ENCODED, layout.PARTS, layout.VECTORS)
    results: dict[str, Any] = {} if beside else rates(params, data, options.trials)
    if options.samplers:
        results["samplers"] = compared(params, data, options.trials, "sampler", list(SAMPLERS))
    if options.pruners:
        results["pruners"] = compared(params, data, options.trials, "pruner", list(PRUNERS))
    if options.plot:
        draw(results, options.plot)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
