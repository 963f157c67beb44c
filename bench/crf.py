"""Training speed of the CRF beside pytorch-crf: log-likelihood of a batch and its gradients.

    python -m bench.crf

Both take the same 64 sentences of 5 to 40 words in turns. A turn is several passes, so that each contender has its
own data in the cache. The tags are those of BIO for 8 and for 36 types. The last line is one JSON object.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torchcrf

from bench.training import alternate, seconds_of
from carousel.nn.crf import CRF

TAGS, SENTENCES, WORDS, PASSES = (17, 73), 64, (5, 40), 5


def contenders(tags: int) -> dict[str, Callable[[], float]]:
    """Return what measures the milliseconds of one pass forward and backward, by its name."""
    torch.manual_seed(0)
    lengths = torch.randint(WORDS[0], WORDS[1] + 1, (SENTENCES,))
    shape = (SENTENCES, int(lengths.max()))
    emissions = torch.randn(*shape, tags, requires_grad=True)
    targets = torch.randint(tags, shape)
    mask = torch.arange(shape[1]) < lengths.unsqueeze(1)
    ours, theirs = CRF(tags), torchcrf.CRF(tags, batch_first=True)

    def carousel() -> None:
        total = ours.log_likelihood(emissions, lengths, targets).sum()
        torch.autograd.grad(total, [emissions, *ours.parameters()])

    def pytorch_crf() -> None:
        total = theirs(emissions, targets, mask, reduction="sum")
        torch.autograd.grad(total, [emissions, *theirs.parameters()])

    return {work.__name__: partial(milliseconds, work) for work in (carousel, pytorch_crf)}


def milliseconds(work: Callable[[], None]) -> float:
    """Return the mean over passes."""
    return seconds_of(lambda: [work() for _ in range(PASSES)]) / PASSES * 1000


def run(repeats: int) -> dict[str, Any]:
    """Measure with each number of tags, print it as it comes, and return medians and ratios."""
    found = {}
    for tags in TAGS:
        print(f"{tags} tags, milliseconds", flush=True)
        measured = alternate(contenders(tags), repeats)
        pairs = zip(measured["pytorch_crf"], measured["carousel"], strict=True)
        medians = {name: round(statistics.median(values), 2) for name, values in measured.items()}
        found[str(tags)] = medians | {"ratio": round(statistics.median(one / other for one, other in pairs), 1)}
    return found


def main() -> None:
    """Measure, print a table, and end with JSON."""
    parser = argparse.ArgumentParser(description="Training speed of the CRF beside pytorch-crf.")
    parser.add_argument("--repeats", type=int, default=15)
    found = run(parser.parse_args().repeats)
    print(f"{'tags':>4} {'carousel, ms':>14} {'pytorch-crf, ms':>16} {'ratio':>6}")
    for tags, row in found.items():
        print(f"{tags:>4} {row['carousel']:>14} {row['pytorch_crf']:>16} {row['ratio']:>6}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
