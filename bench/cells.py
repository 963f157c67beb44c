"""Training speed of each cell, at the width of `bench.training`, as a multiple of the LSTM's.

    python -m bench.cells

The last line is one JSON object.
"""

import argparse
import json
import statistics
from functools import partial
from typing import Any

from bench.documents import documents, training_data
from bench.training import LEARNER, alternate, hparams
from carousel.training.fit import fit

CELLS = ("lstm", "gru", "rnn", "min_gru", "min_lstm", "qrnn", "esn", "reference_lstm")


def run(count: int, repeats: int) -> dict[str, Any]:
    """Measure every cell, print it as it comes, and return tokens a second and ratios."""
    encoded = documents(count)
    data = training_data(encoded, documents(16, seed=1))

    def epoch(cell: str) -> float:
        return fit(LEARNER, hparams(encoded, cell), data, quiet=True).history[0]["seconds"]

    found = alternate({cell: partial(epoch, cell) for cell in CELLS}, repeats)
    tokens = encoded.tokens
    return {
        cell: {
            "tokens_per_second": round(tokens / statistics.median(seconds)),
            "ratio_lstm": round(statistics.median(a / b for a, b in zip(found["lstm"], seconds, strict=True)), 2),
        }
        for cell, seconds in found.items()
    }


def main() -> None:
    """Measure, print, and end with JSON."""
    parser = argparse.ArgumentParser(description="Training speed of each cell.")
    parser.add_argument("--documents", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(json.dumps(run(options.documents, options.repeats)))


if __name__ == "__main__":
    main()
