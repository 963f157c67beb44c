"""Tagging on published data sets: the defaults of presets/tagging.yaml beside the CRF baseline."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.page import table
from bench.results.table import Row
from carousel.corpus.training_data import TOKENIZER, VOCABULARY, TrainingData
from carousel.files import json_digest, read_json, write_json
from carousel.params import load, replace
from carousel.predictor import predictor
from carousel.task import find
from carousel.text import columns
from carousel.text.vocabulary import Vocabulary
from carousel.training import code
from carousel.training.fit import fit
from carousel.training.refit import refit

PRESET = Path("presets/tagging.yaml")
KEPT = Path(".carousel/results/tagging")


@dataclass(frozen=True)
class TaggedSet:
    """A published set of tagged sentences.

    Attributes:
        title: for the page.
        path: its folder, in the folder of all sets.
        splits: file or folder of each split; empty for the built-in data.
        metrics: what its column of the page shows.
    """

    title: str
    path: str
    splits: dict[str, str]
    metrics: tuple[str, ...]


SETS = {
    "stdlib_names": TaggedSet("the built-in data, names in documentation", "", {}, ("f1",)),
    "ud_ewt": TaggedSet(
        "UD-EWT, parts of speech",
        "ud-ewt",
        {
            split: f"en_ewt-ud-{name}.conllu.gz"
            for split, name in (("train", "train"), ("val", "dev"), ("test", "test"))
        },
        ("accuracy",),
    ),
    "snips": TaggedSet(
        "Snips, slots and intents",
        "snips",
        {"train": "train", "val": "valid", "test": "test"},
        ("f1", "intent_accuracy"),
    ),
    "wnut17": TaggedSet(
        "WNUT17, names",
        "wnut17",
        {"train": "wnut17train.conll", "val": "emerging.dev.conll", "test": "emerging.test.annotated"},
        ("f1",),
    ),
}
TITLES = {"f1": "F1", "accuracy": "accuracy", "intent_accuracy": "intent accuracy"}


def measure(name: str, seeds: int, data: Path) -> list[Row]:
    """Train the defaults with each seed, and the baseline; finished runs are kept."""
    task, params = find("tagging"), load(PRESET)
    found = SETS[name]
    source = params.data
    if found.splits:
        source = source.model_copy(
            update={"source": "file", "path": str(data / found.path), "splits": found.splits, "encoding": "utf-8"}
        )
    kept = KEPT / json_digest([name, params.model_dump(mode="json"), code.digest("tagging")])[:16]
    splits: dict[str, Any] = {}
    runs = []
    for which in ("baseline", *range(seeds)):
        path = kept / f"{which}.json"
        if not path.exists():
            if not splits:
                collected = task.source.collect(source)
                splits = task.prepare(collected.documents, params).splits
            began = time.process_time()
            if which == "baseline":
                run = dict(task.baseline(splits, params).report())
            else:
                run = _run(task, replace(params, {"train.seed": int(which)}), splits)
            write_json(path, {**run, "cpu_minutes": (time.process_time() - began) / 60})
        runs.append(read_json(path))
        print(f"{name} {which}: {runs[-1]}", flush=True)
    return [_row(name, "baseline", runs[:1]), _row(name, "defaults", runs[1:])]


def page(rows: list[Row]) -> str:
    """Return a table of the sets that were measured; empty if there is none."""
    found = {(row["set"], row["model"]): row for row in rows}
    lines = []
    for name, one in SETS.items():
        if (name, "defaults") in found:
            ours, baseline = found[name, "defaults"], found[name, "baseline"]
            for metric in one.metrics:
                lines.append(
                    [
                        one.title,
                        TITLES[metric],
                        f"{baseline[metric]:.2f}",
                        f"**{ours[metric]:.2f}** ± {ours[f'{metric}_std']:.2f}",
                        f"{ours[f'val_{metric}']:.2f}" if f"val_{metric}" in ours else "",
                        str(ours["seeds"]),
                        f"{ours['cpu_minutes']:.1f}",
                    ]
                )
    head = ["set", "metric", "CRF baseline", "defaults", "validation", "seeds", "CPU minutes"]
    return table(head, lines) if lines else ""


def _run(task: Any, params: Any, splits: dict[str, Any]) -> dict[str, float]:
    """Train as the stages do, and return the metrics on test and validation."""
    tokenizer, tokens = task.tokenize(splits, params)
    counts = columns.counts(tokens["train"].lazy()).collect()
    chosen = params.vocab
    vocabulary = Vocabulary.build(counts.iter_rows(), min_count=chosen.min_count, max_size=chosen.max_size)
    parts = {
        VOCABULARY: vocabulary.to_text().encode("utf-8"),
        TOKENIZER: tokenizer.to_json().encode("utf-8"),
        **task.fit_parts(tokens["train"], params),
    }
    encoded = {split: task.encode(frame, vocabulary, parts, params) for split, frame in tokens.items()}
    data = TrainingData(encoded["train"], encoded["val"], parts)
    fitted = fit(task.make_learner, params.hparams, data)
    best = fitted.best
    fitted = refit(task.make_learner, params.hparams, fitted, data)
    report = task.evaluate(predictor(task.bundle(fitted.model, parts, params)), splits["test"])
    return {**report.metrics(), **{name: value for name, value in best.items() if name.startswith("val_")}}


def _row(name: str, model: str, runs: list[dict[str, Any]]) -> Row:
    row: Row = {"set": name, "model": model, "seeds": len(runs)}
    metrics = SETS[name].metrics
    for metric in (*metrics, *(f"val_{metric}" for metric in metrics)):
        values = [100 * run[metric] for run in runs if metric in run]
        if values:
            row[metric] = round(statistics.mean(values), 3)
            row[f"{metric}_std"] = round(statistics.pstdev(values), 3)
    row["cpu_minutes"] = round(statistics.mean(run["cpu_minutes"] for run in runs), 2)
    return row
