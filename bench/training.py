"""Training speed: Carousel beside a tutorial's loop, beside the machine's own bound, and beside its peers.

All train a bidirectional LSTM, embedding 128, hidden 256, on the same documents of mixed lengths, in about the same
number of steps; a token counts if it is not padding. The contenders take turns, and medians are compared:

    trainer    `carousel.training.fit`, as the pipeline runs it
    by hand    the same step in a plain loop: what Lightning costs is the difference
    tutorial   the loop that most introductions to PyTorch teach: shuffled batches of 64 documents,
               `pack_padded_sequence`, AdamW, fp32
    bound      this machine's matrix product, in the fastest precision that its hardware has

    python -m bench.training [--peers]

The last line is one JSON object. Peers (bench/peers) run in environments of their own, which
`python -m bench.peers.environment` makes.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from bench.documents import CLASSES, VOCABULARY, documents, training_data
from bench.peers import environment
from carousel.corpus.dataset import Dataset
from carousel.nn.batch import pad
from carousel.task import find
from carousel.tasks.classification.learner import Batch, ClassificationLearner, batches
from carousel.tasks.classification.model import build
from carousel.tasks.classification.params import Hparams, Model, Train
from carousel.training import precision
from carousel.training.batches import Batches
from carousel.training.fit import fit

LEARNER = find("classification").make_learner
HIDDEN, EMBEDDING, DOCUMENTS_A_BATCH = 256, 128, 64
# A token's multiplications and additions: 2 directions, 4 gates over input and state; backward costs twice forward
FLOP = 3 * 2 * 2 * 4 * HIDDEN * (EMBEDDING + HIDDEN)


@dataclass(frozen=True)
class Peer:
    """Another library: its name in a table, its folder and script, and settings of the script."""

    title: str
    name: str
    settings: dict[str, str] = field(default_factory=dict)


# By their names in the results. Keras comes twice: with length buckets as good as ours, which its own introductions
# don't have, and padded to one length, which they teach
PEERS = {
    "flair": Peer("Flair 0.15", "flair"),
    "keras": Peer("Keras 3.15 on JAX, length buckets added", "keras"),
    "keras_one_length": Peer("Keras 3.15 on JAX, padded to one length", "keras", {"BUCKETS": "1"}),
    "ludwig": Peer("Ludwig 0.11", "ludwig"),
}


class Tutorial(nn.Module):
    """The same layers over a PackedSequence, pooled by maximum and mean like ours."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(VOCABULARY), EMBEDDING, padding_idx=0)
        self.lstm = nn.LSTM(EMBEDDING, HIDDEN, batch_first=True, bidirectional=True)
        self.head = nn.Linear(4 * HIDDEN, CLASSES)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, classes) of ids (B, T)."""
        packed = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        outside = (torch.arange(outputs.shape[1]) >= lengths.unsqueeze(1)).unsqueeze(-1)
        largest = outputs.masked_fill(outside, float("-inf")).amax(1)
        return self.head(torch.cat([largest, outputs.sum(1) / lengths.unsqueeze(1)], dim=-1))


def hparams(encoded: Dataset, cell: str = "lstm") -> Hparams:
    """Return the model that everybody trains, and batches that make as many steps as the tutorial's."""
    steps = -(-len(encoded) // DOCUMENTS_A_BATCH)
    budgets = range(1024, 32_768, 256)
    budget = next(b for b in budgets if len(batches(encoded, b, shuffle=True)) <= steps)
    plain = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0, "ngrams": 0}
    model = Model(cell=cell, embedding_size=EMBEDDING, hidden_size=HIDDEN, **plain)
    alone = {"spelling": False, "refit": "never"}
    train = Train(epochs=1, batch_tokens=budget, learning_rate=1e-3, weight_decay=0.01, **alone)
    return Hparams(model=model, train=train)


def shuffled(encoded: Dataset, epoch: int) -> Iterator[Batch]:
    """Batches of 64 documents in random order."""
    ids, targets = encoded.sequences["ids"], encoded.scalars["targets"]
    order = np.random.default_rng(epoch).permutation(len(encoded))
    for start in range(0, len(order), DOCUMENTS_A_BATCH):
        rows = order[start : start + DOCUMENTS_A_BATCH]
        yield Batch(*pad([ids[i] for i in rows]), torch.from_numpy(targets[rows]))


def bucketed(encoded: Dataset, batch_tokens: int, epoch: int) -> Batches[Batch]:
    """Carousel's own batches of an epoch."""
    found = batches(encoded, batch_tokens, seed=0, shuffle=True)
    found.set_epoch(epoch)
    return found


def plainly(
    model: nn.Module,
    found: Iterator[Batch] | Batches[Batch],
    optimizer: torch.optim.Optimizer,
    batch_documents: float = DOCUMENTS_A_BATCH,
) -> float:
    """Train an epoch as tutorials do, and return its mean loss over documents.

    A batch counts by its number of documents, as in `Learner`; most introductions have all of them alike.
    """
    total = count = 0.0
    for ids, lengths, targets, _ in found:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(ids, lengths), targets)
        (loss * len(targets) / batch_documents).backward()
        optimizer.step()
        total, count = total + loss.item() * len(targets), count + len(targets)
    return total / count


def by_hand(params: Hparams, encoded: Dataset) -> Callable[[], None]:
    """Return an epoch of the trainer's own steps on a new model, as a plain loop."""
    chosen = precision.choose(params)
    model = build(params, vocabulary_size=len(VOCABULARY), classes=CLASSES)
    epoch = bucketed(encoded, params.train.batch_tokens, 0)
    learner = ClassificationLearner(model, params.train)
    learner.plan(1, epoch, len(encoded))
    configured = learner.configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]

    def loop() -> None:
        for step, (ids, lengths, targets, _) in enumerate(epoch):
            torch.manual_seed(step)
            with torch.autocast("cpu", torch.bfloat16, enabled=chosen.name == "bf16"):
                loss = nn.functional.cross_entropy(model(ids, lengths), targets)
            optimizer.zero_grad()
            (loss * len(targets) / learner.batch_units).backward()
            nn.utils.clip_grad_norm_(model.parameters(), params.train.clip_norm)
            optimizer.step()
            schedule.step()

    return loop


def bound() -> float:
    """Return FLOP a second of a square matrix product, in the fastest precision that the hardware has."""
    kinds = [torch.float32, *([torch.bfloat16] if precision.hardware()[1] else [])]
    return max(map(_product, kinds))


def _product(kind: torch.dtype, size: int = 2048) -> float:
    one, other = (torch.randn(size, size).to(kind) for _ in range(2))
    return 2 * size**3 / min(seconds_of(lambda: one @ other) for _ in range(5))


def alternate(contenders: dict[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Let contenders take turns, after a first one that warms up; return what each measured."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for repeat in range(repeats + 1):
        for name, measure in contenders.items():
            value = measure()
            if repeat:
                found[name].append(value)
                print(f"repeat {repeat}  {name:<9} {value:>18,.2f}", flush=True)
    return found


def seconds_of(work: Callable[[], Any]) -> float:
    """Return how long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run(count: int, repeats: int, *, peers: bool) -> dict[str, Any]:
    """Measure everything, print it as it comes, and return the results."""
    encoded, few = documents(count), documents(16, seed=1)
    params, tokens, data = hparams(encoded), encoded.tokens, training_data(encoded, few)
    tutorial = Tutorial()
    optimizer = torch.optim.AdamW(tutorial.parameters())
    contenders: dict[str, Callable[[], float]] = {
        "trainer": lambda: fit(LEARNER, params, data, quiet=True).history[0]["seconds"],
        "by hand": lambda: seconds_of(by_hand(params, encoded)),
        "tutorial": lambda: seconds_of(lambda: plainly(tutorial, shuffled(encoded, 0), optimizer)),
        "data": lambda: seconds_of(lambda: list(bucketed(encoded, params.train.batch_tokens, 0))),
        "bound": bound,
    }
    chosen = precision.choose(params)
    print(f"{tokens:,} tokens an epoch, {torch.get_num_threads()} threads, torch {torch.__version__}; {chosen}")
    found = alternate(contenders, repeats)
    median = {name: statistics.median(values) for name, values in found.items()}
    rate = tokens / median["trainer"]

    def share(seconds: float, flops: float) -> float:
        return tokens / seconds * FLOP / flops

    results = {
        "tokens_per_second": round(rate),
        "tutorial_tokens_per_second": round(tokens / median["tutorial"]),
        "ratio_tutorial": round(_ratio(found["tutorial"], found["trainer"]), 2),
        "share_of_bound": round(statistics.median(map(share, found["trainer"], found["bound"])), 3),
        "bound_gflops": round(median["bound"] / 1e9),
        "trainer_overhead": round(_ratio(found["trainer"], found["by hand"]) - 1, 3),
        "data_share": round(median["data"] / median["trainer"], 4),
        "spread": {name: [round(edge(v) / median[name], 2) for edge in (min, max)] for name, v in found.items()},
        "precision": chosen.name,
        "threads": torch.get_num_threads(),
        "repeats": repeats,
        "documents": count,
    }
    if peers:
        for name in PEERS:
            results |= beside(name, encoded, contenders["trainer"], repeats)
    return results


def beside(name: str, encoded: Dataset, ours: Callable[[], float], repeats: int) -> dict[str, float]:
    """Train in a peer's own environment, and beside it, before and after, in ours.

    A peer gets one thread and all of them, and the better of the two counts: some are slower with more.
    """
    peer = PEERS[name]
    if not environment.ready(peer.name):
        raise SystemExit(f"error: {peer.name} is not installed; python -m bench.peers.environment installs it")
    all_threads = torch.get_num_threads()
    rates, our_seconds = {}, [ours()]
    for threads in sorted({1, all_threads}):
        rates[threads] = statistics.median(_peer_rates(peer, encoded, repeats, threads))
        our_seconds += [ours() for _ in range(-(-repeats // 2))]
    best = max(rates, key=lambda threads: rates[threads])
    our_rate = encoded.tokens / statistics.median(our_seconds)
    print(f"{name:<9} {rates[best]:>9,.0f} tokens/s on {best} threads, beside {our_rate:>9,.0f}", flush=True)
    return {
        f"{name}_tokens_per_second": round(rates[best]),
        f"{name}_threads": best,
        f"ratio_{name}": round(our_rate / rates[best], 2),
    }


def _peer_rates(peer: Peer, encoded: Dataset, repeats: int, threads: int) -> list[float]:
    """Return real tokens a second of each epoch after the first, which warms up."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "documents.npz"
        ids = encoded.sequences["ids"]
        np.savez(arrays, ids=ids.values, offsets=ids.offsets, targets=encoded.scalars["targets"])
        script = Path(__file__).parent / "peers" / f"{peer.name}_peer.py"
        done = subprocess.run(
            [environment.python(peer.name), script, arrays, str(repeats + 1), str(threads)],
            check=True,
            env=os.environ | peer.settings | {"KERAS_HOME": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    epochs = [json.loads(line) for line in done.stdout.splitlines()][1:]
    return [epoch["tokens"] / epoch["seconds"] for epoch in epochs]


def _ratio(ones: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def main() -> None:
    """Measure, print a line a repeat, and end with JSON."""
    parser = argparse.ArgumentParser(
        description="Training speed beside a tutorial, the machine's bound, and peers."
    )
    parser.add_argument("--documents", type=int, default=768)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="also beside Flair, Keras and Ludwig")
    options = parser.parse_args()
    print(json.dumps(run(options.documents, options.repeats, peers=options.peers)))


if __name__ == "__main__":
    main()
