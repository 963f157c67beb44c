"""fastText's classifier on one data set, run by its own environment's interpreter.

    .carousel/peers/fasttext/bin/python bench/peers/fasttext_peer.py FOLDER SEED

FOLDER has train.txt, val.txt and test.txt: lines of `__label__N` and tokens. A small grid is searched by validation
accuracy; the best model's test accuracy is the only one that is taken. The last line is one JSON object.
"""

import itertools
import json
import os
import random
import sys
import time
from pathlib import Path

import fasttext

EPOCHS, RATES, NGRAMS = (5, 25), (0.1, 0.5), (1, 2)
BUCKETS = 200_000  # for pairs of words; the default of two millions takes a second a model to fill


def main() -> None:
    """Search, test, and end with JSON."""
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # standard output for the JSON line alone
    # fastText learns from lines in the order in which they stand: from all of one label, then all of the next
    lines = (folder / "train.txt").read_text("utf-8").splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    (folder / "shuffled.txt").write_text("".join(lines), "utf-8")
    best = (-1.0, None, "", 0.0)
    for epochs, rate, ngrams in itertools.product(EPOCHS, RATES, NGRAMS):
        began = time.perf_counter()
        try:
            model = fasttext.train_supervised(
                str(folder / "shuffled.txt"),
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
            print(f"lr {rate:g} diverged with {epochs} epochs", flush=True)  # the grid has smaller ones
            continue
        minutes = (time.perf_counter() - began) / 60
        accuracy = model.test(str(folder / "val.txt"))[1]
        if accuracy > best[0]:
            best = (accuracy, model, f"epochs {epochs}, lr {rate:g}, wordNgrams {ngrams}", minutes)
    val, model, detail, minutes = best
    _, accuracy, _ = model.test(str(folder / "test.txt"))
    print(json.dumps({"val": val, "test": accuracy, "minutes": minutes, "detail": detail}), file=answer, flush=True)


if __name__ == "__main__":
    main()
