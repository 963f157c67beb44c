"""fastText's classifier on one data set, run by its own environment's interpreter.

    .carousel/peers/fasttext/bin/python bench/peers/fasttext_peer.py FOLDER SEED

FOLDER has train.txt, val.txt and test.txt: lines of `__label__N` and tokens. A small grid is searched by validation
accuracy; the best settings learn again from train and validation together, and that model's test accuracy is the
only one that is taken. The last line is one JSON object.
"""

import itertools
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import fasttext

EPOCHS, RATES, NGRAMS = (5, 25), (0.1, 0.5), (1, 2)
BUCKETS = 200_000  # for pairs of words; the default of two millions takes a second a model to fill


def main() -> None:
    """Search, test, and end with JSON."""
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # standard output for the JSON line alone
    train = _shuffled(folder, ["train"], seed)
    found = []
    for setting in itertools.product(EPOCHS, RATES, NGRAMS):
        model = _trained(train, *setting, seed)
        if model is not None:
            found.append((model.test(str(folder / "val.txt"))[1], setting))
    both = _shuffled(folder, ["train", "val"], seed)
    for val, setting in sorted(found, key=lambda pair: -pair[0]):
        began = time.perf_counter()
        model = _trained(both, *setting, seed)
        if model is None:  # the best of train diverges with more lines: then the next
            continue
        result = {
            "val": val,
            "test": model.test(str(folder / "test.txt"))[1],
            "minutes": (time.perf_counter() - began) / 60,
            "detail": "epochs {}, lr {:g}, wordNgrams {}, again".format(*setting),
        }
        break
    else:
        sys.exit("it diverged with every setting")
    print(json.dumps(result), file=answer, flush=True)


def _shuffled(folder: Path, splits: list[str], seed: int) -> Path:
    """Write the lines of some splits in an order by chance.

    fastText learns from them in the order in which they stand: else from all of one label, then all of the next.
    """
    lines = [
        line for name in splits for line in (folder / f"{name}.txt").read_text("utf-8").splitlines(keepends=True)
    ]
    random.Random(seed).shuffle(lines)
    path = folder / f"{'_'.join(splits)}_shuffled.txt"
    path.write_text("".join(lines), "utf-8")
    return path


def _trained(lines: Path, epochs: int, rate: float, ngrams: int, seed: int) -> Any:
    """Return a model, or None where training diverges: the grid has smaller learning rates."""
    try:
        return fasttext.train_supervised(
            str(lines),
            epoch=epochs,
            lr=rate,
            wordNgrams=ngrams,
            bucket=BUCKETS,
            thread=1,  # more are faster, and another model each time
            seed=seed,
            verbose=0,
        )
    except RuntimeError as error:
        if "NaN" not in str(error):
            raise
        print(f"lr {rate:g} diverged with {epochs} epochs", flush=True)
        return None


if __name__ == "__main__":
    main()
