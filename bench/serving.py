"""What a request costs: `carousel serve` beside MLflow's server, a naive FastAPI service and LitServe.

    python -m bench.serving [--bundle FOLDER] [--texts FILE] [--without-ngrams FOLDER]

All serve the same bundle with one process that predicts and one thread, and take turns in rounds; the CPU time of
a contender's processes is divided by the requests, and medians of rounds are compared. A busy machine changes the
times and hardly the ratios. Texts are of 100 tokens. Besides, in this process: the exported model alone beside the
bundle's, its size and its agreement with it, and one step of a unidirectional model of the same size. The last line
is one JSON object. LitServe runs in an environment of its own, which `python -m bench.peers.environment` makes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench import serving_load as load
from bench.peers import environment
from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.export.exporting import export
from carousel.nn.classifier import TextClassifier
from carousel.predictor import predictor
from carousel.registry.versions import saved_bytes

CLIENTS, TOKENS, TEXTS = 16, 100, 256
NAME = "bench"
LITSERVE = Path(__file__).parent / "peers/litserve_peer.py"


@dataclass(frozen=True)
class Contender:
    """A service: how to start it on a port, what it is asked, and how many requests a round has."""

    command: Callable[[int], list[str]]
    path: str
    body: Callable[[str], Any]
    requests: int


def contenders(bundle: Path, state: Path) -> dict[str, Contender]:
    """Return all that are compared; LitServe only where its environment is."""
    mlflow = [
        "-m",
        "mlflow",
        "models",
        "serve",
        "--env-manager",
        "local",
        "--workers",
        "1",
        "-m",
        f"models:/{NAME}/1",
    ]
    carousel = ["-c", "from carousel.cli import main; main()", "serve", "--model", NAME, "--processes", "1"]
    carousel += ["--state", str(state)]
    found = {
        "ours": Contender(
            lambda port: [sys.executable, *carousel, "--port", str(port)],
            "/v1/predict", lambda t: {"text": t}, 4000,
        ),
        "mlflow": Contender(
            lambda port: [sys.executable, *mlflow, "--port", str(port)],
            "/invocations", lambda t: {"inputs": [t]}, 600,
        ),
        "naive": Contender(
            lambda port: [sys.executable, "-m", "bench.serving_naive", str(bundle), str(port)],
            "/predict", lambda t: {"text": t}, 1000,
        ),
    }  # fmt: skip
    if environment.ready("litserve"):
        python = str(environment.python("litserve"))
        found["litserve"] = Contender(
            lambda port: [python, str(LITSERVE), str(bundle), str(port)], "/predict", lambda t: {"text": t}, 1500
        )
    return found


def register(bundle: Bundle, folder: Path) -> None:
    """Register a bundle in a store in the folder, as the stage `register` does, as champion."""
    import mlflow

    from carousel.registry import registration
    from carousel.tracking.store import connect, experiment

    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    client = connect()
    bundle.save(folder / "bundle")
    with mlflow.start_run(experiment_id=experiment(client, NAME)) as run:
        version, _ = registration.register(client, NAME, bundle, folder / "bundle", run.info.run_id, {})
    client.set_registered_model_alias(NAME, "champion", str(version.number))


def texts_of(words: list[str], tokenize: Callable[[str], list[str]]) -> list[str]:
    """Return texts of about `TOKENS` tokens each, cut from a list of words."""
    found, text, size = list[str](), list[str](), 0
    for word in words:
        text.append(word)
        size += len(tokenize(word))
        if size >= TOKENS:
            found.append(" ".join(text))
            text, size = [], 0
        if len(found) == TEXTS:
            break
    return found


@contextlib.contextmanager
def running(contender: Contender, text: str, log: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Start a service, wait until it predicts, and end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = str(Path(__file__).parents[1] / "src")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where MLflow finds uvicorn
    settings = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": source, "PATH": path}
    with log.open("wb") as output:
        process = subprocess.Popen(
            contender.command(port), env=os.environ | settings, stdout=output, stderr=output, start_new_session=True
        )
    try:
        until = time.monotonic() + 300
        while not _predicts(port, contender, text):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"{' '.join(contender.command(port))} does not predict:\n{log.read_text()[-2000:]}")
            time.sleep(0.5)
        yield port, process
    finally:
        pids = load.tree(process.pid)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)


def _predicts(port: int, contender: Contender, text: str) -> bool:
    body = json.dumps(contender.body(text)).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{contender.path}", body, headers)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def cost(contender: Contender, texts: list[str], log: Path) -> tuple[float, float]:
    """Return CPU seconds a request, and the resident megabytes of the largest process but the first."""
    asked = [load.request(contender.path, json.dumps(contender.body(text)).encode()) for text in texts]
    with running(contender, texts[0], log) as (port, process):
        asyncio.run(load.closed_loop(port, asked, CLIENTS))  # every code path is warm
        requests = (asked * (contender.requests // len(asked) + 1))[: contender.requests]
        pids = load.tree(process.pid)
        before = load.cpu_seconds(pids)
        asyncio.run(load.closed_loop(port, requests, CLIENTS))
        spent = load.cpu_seconds(load.tree(process.pid)) - before
        sizes = [load.resident_megabytes(pid) for pid in load.tree(process.pid)]
        return spent / len(requests), max(sizes[1:], default=sizes[0])


def cpu_of(call: Callable[[], object], seconds: float = 1.0) -> float:
    """Return CPU seconds of a call."""
    call()
    began, calls = time.process_time(), 0
    while time.process_time() - began < seconds:
        call()
        calls += 1
    return (time.process_time() - began) / calls


def alone(bundle: Bundle, texts: list[str], rounds: int) -> dict[str, float]:
    """Compare the exported model in eight bits with the bundle's, both in this process: time and size."""
    eager: Any = predictor(bundle)
    made = export(bundle, eager, Path("model.onnx"), int8=True, step=False)
    small: Any = made.predictor
    ids = [small.encode(text) for text in texts[:32]]
    found = {"size_ratio": saved_bytes(bundle) / len(made.content)}
    for size in (1, 32):
        slow, fast = (partial(model.logits, ids[:size]) for model in (eager, small))
        ratios = [cpu_of(slow) / cpu_of(fast) for _ in range(rounds)]
        found[f"exported_ratio_batch{size}"] = statistics.median(ratios)
    return found


def agreement(bundle: Bundle, texts: list[str]) -> float:
    """Return the fraction of texts that the exported model in eight bits predicts as the bundle does."""
    eager = predictor(bundle)
    small = export(bundle, eager, Path("model.onnx"), int8=True, step=False).predictor
    pairs = zip(eager.predict(texts), small.predict(texts), strict=True)
    return float(np.mean([one.summary == other.summary for one, other in pairs]))


def step_ratio(bundle: Bundle, rounds: int) -> float:
    """Return how much faster one step of the exported network is than eager torch's, for one text.

    Both are of a unidirectional network of the bundle's sizes with random weights, without n-grams.
    """
    classifier: Any = predictor(bundle)
    config = classifier.model.config
    one_way = replace(config, encoder=replace(config.encoder, bidirectional=False))
    torch.manual_seed(0)
    network = TextClassifier(one_way).eval()
    small = replace(classifier, model=network)
    made: Any = export(small.to_bundle(), small, Path("step.onnx"), int8=True, step=True).predictor
    state, text = made.initial, torch.tensor([[5]])
    arrays = {f"state{number}": array[None] for number, array in enumerate(state.arrays)}
    ids, lengths = np.array([[5]]), np.array([1])

    def eager() -> None:
        with torch.inference_mode():
            network(text, torch.tensor([1]))

    ratios = [
        cpu_of(eager) / cpu_of(lambda: made.program.run(ids=ids, lengths=lengths, **arrays)) for _ in range(rounds)
    ]
    return statistics.median(ratios)


def main() -> None:
    """Measure, print as it comes, and end with JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--bundle", type=Path, default=layout.BUNDLE)
    parser.add_argument("--texts", type=Path, default=layout.TEST, help="Parquet file with a column text")
    parser.add_argument("--without-ngrams", type=Path, help="a bundle with model.ngrams: 0")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    import polars as pl

    documents = pl.read_parquet(arguments.texts)["text"].to_list()
    bundle = Bundle.load(arguments.bundle)
    made: Any = predictor(bundle)
    texts = texts_of([word for text in documents for word in text.split()], made.tokenizer.tokenize)
    print(f"{len(texts)} texts of {TOKENS} tokens; CPU pressure {load.pressure():.0f} %", flush=True)
    found: dict[str, Any] = alone(bundle, texts, arguments.rounds)
    found["agreement"] = agreement(bundle, documents)
    found["agreement_without_ngrams"] = (
        agreement(Bundle.load(arguments.without_ngrams), documents) if arguments.without_ngrams else None
    )
    found["step_ratio"] = step_ratio(bundle, arguments.rounds)
    print(json.dumps(found), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        register(bundle, Path(scratch))
        found |= served(arguments.bundle.absolute(), texts, Path(scratch), arguments.rounds)
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in found.items()}))


def served(bundle: Path, texts: list[str], scratch: Path, rounds: int) -> dict[str, Any]:
    """Compare the services in turns."""
    known = contenders(bundle, scratch / "state")
    costs: dict[str, list[float]] = {name: [] for name in known}
    memory = 0.0
    for number in range(rounds):
        for name, contender in known.items():
            seconds, size = cost(contender, texts, scratch / f"{name}.log")
            costs[name].append(seconds)
            memory = max(memory, size) if name == "ours" else memory
            print(
                f"round {number + 1}  {name:<9} {1000 * seconds:6.3f} ms of CPU a request  {size:4.0f} MB",
                flush=True,
            )
    medians = {name: statistics.median(values) for name, values in costs.items()}
    found: dict[str, Any] = {f"cpu_ms_{name}": 1000 * value for name, value in medians.items()}
    for name in ("mlflow", "naive", "litserve"):
        found[f"cpu_ratio_{name}"] = medians[name] / medians["ours"] if name in medians else None
    found["rss_mb"] = memory
    found["qps_1000_p99_ms"] = paced(known["ours"], texts, scratch)
    return found


def paced(contender: Contender, texts: list[str], scratch: Path) -> float | None:
    """Return the 99th percentile of 60 s at 1,000 requests a second, in ms; None on a busy machine."""
    before = load.pressure()
    if before > 5:
        print(f"not idle: CPU pressure {before:.0f} %, so no open-loop run")
        return None
    asked = [load.request(contender.path, json.dumps(contender.body(text)).encode()) for text in texts]
    cores = str(len(os.sched_getaffinity(0)))
    whole = replace(
        contender, command=lambda port: [cores if part == "1" else part for part in contender.command(port)]
    )
    with running(whole, texts[0], scratch / "paced.log") as (port, _):
        took = asyncio.run(load.open_loop(port, asked, 1000, 60))
    print(f"{len(took)} answers; CPU pressure {before:.0f} % before, {load.pressure():.0f} % after")
    return 1000 * float(np.quantile(took, 0.99)) if took else None


if __name__ == "__main__":
    main()
