"""How the cost of training grows: with tokens over two decades, and with layers.

    python -m bench.scaling

Batches keep their size, so twice the documents are twice the steps; and one batch grows from 10 to 1,000 time
steps. An exponent of 1 is linear growth. The last line is one JSON object.
"""

import argparse
import json
import statistics
from functools import partial
from typing import Any

import numpy as np
import torch

from bench.documents import documents, training_data
from bench.training import EMBEDDING, HIDDEN, LEARNER, alternate, hparams, seconds_of
from carousel.nn.recurrent import RecurrentEncoder
from carousel.training.fit import fit


def step(time: int, layers: int = 1) -> float:
    """Return the seconds of one forward and backward pass over 32 documents of `time` tokens."""
    encoder = RecurrentEncoder("lstm", EMBEDDING, HIDDEN, layers=layers)
    inputs = torch.randn(32, time, EMBEDDING, requires_grad=True)
    lengths = torch.full((32,), time)
    return seconds_of(lambda: encoder(inputs, lengths).outputs.sum().backward())


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of seconds over sizes, both logarithmic."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def run(repeats: int) -> dict[str, Any]:
    """Measure, print it as it comes, and return seconds and exponents."""
    few = documents(16, seed=1)
    counts, times, layers = [32, 100, 320, 1000, 3200], [10, 32, 100, 320, 1000], [1, 2, 4, 8]
    params = hparams(documents(1000))

    def epoch(count: int) -> float:
        data = training_data(documents(count), few)
        return fit(LEARNER, params, data, quiet=True).history[0]["seconds"] / data.train.tokens

    found = alternate({f"documents {count}": partial(epoch, count) for count in counts}, repeats)
    a_token = [statistics.median(values) for values in found.values()]
    found = alternate({f"time {time}": partial(step, time) for time in times}, repeats)
    by_time = [statistics.median(values) for values in found.values()]
    found = alternate({f"layers {n}": partial(step, 60, n) for n in layers}, repeats)
    by_layers = [statistics.median(values) for values in found.values()]
    tokens = [documents(count).tokens for count in counts]
    by_tokens = [n * seconds for n, seconds in zip(tokens, a_token, strict=True)]
    return {
        "tokens": dict(zip(tokens, [round(s, 3) for s in by_tokens], strict=True)),
        "tokens_exponent": round(exponent(tokens, by_tokens), 2),
        "time": dict(zip(times, [round(s, 4) for s in by_time], strict=True)),
        "time_exponent": round(exponent(times, by_time), 2),
        "layers": dict(zip(layers, [round(s, 4) for s in by_layers], strict=True)),
        "layers_exponent": round(exponent(layers[1:], by_layers[1:]), 2),
    }


def main() -> None:
    """Measure, print, and end with JSON."""
    parser = argparse.ArgumentParser(description="How the cost of training grows.")
    parser.add_argument("--repeats", type=int, default=3)
    print(json.dumps(run(parser.parse_args().repeats)))


if __name__ == "__main__":
    main()
