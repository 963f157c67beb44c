"""Whether length buckets cost anything: training loss by epoch, beside shuffled batches.

    python -m bench.losses

The same model from the same weights, the same documents, optimizer and, nearly, number of steps; batches are filled
at random or by length. Means and deviations over seeds. The last line is one JSON object.
"""

import argparse
import json
import statistics
from typing import Any

import torch

from bench.documents import CLASSES, VOCABULARY, documents
from bench.training import bucketed, hparams, plainly, shuffled
from carousel.params import replace
from carousel.tasks.classification.model import build


def run(count: int, epochs: int, seeds: int) -> dict[str, Any]:
    """Train, print a line a seed, and return each epoch's mean loss and its deviation over seeds."""
    encoded = documents(count)
    params = hparams(encoded)
    budget = params.train.batch_tokens
    batch_documents = len(encoded) / len(bucketed(encoded, budget, 0))
    found: dict[str, list[list[float]]] = {"shuffled": [], "bucketed": []}
    for seed in range(seeds):
        seeded = replace(params, {"train.seed": seed})
        for name, losses in found.items():
            model = build(seeded, vocabulary_size=len(VOCABULARY), classes=CLASSES)
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
            losses.append([])
            for epoch in range(seed * epochs, (seed + 1) * epochs):
                batches = shuffled(encoded, epoch) if name == "shuffled" else bucketed(encoded, budget, epoch)
                losses[-1].append(plainly(model, batches, optimizer, batch_documents))
            print(f"seed {seed}  {name:<9} " + " ".join(f"{loss:.3f}" for loss in losses[-1]), flush=True)
    return {
        name: {
            "mean": [round(statistics.mean(at), 3) for at in zip(*losses, strict=True)],
            "deviation": [round(statistics.stdev(at), 3) for at in zip(*losses, strict=True)],
        }
        for name, losses in found.items()
    }


def main() -> None:
    """Measure, print, and end with JSON."""
    parser = argparse.ArgumentParser(description="Training loss by epoch, in shuffled and in bucketed batches.")
    parser.add_argument("--documents", type=int, default=768)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(json.dumps(run(options.documents, options.epochs, options.seeds)))


if __name__ == "__main__":
    main()
