"""Buckets of document length, in tokens: 1-8, 9-16, … and an open last one."""

import numpy as np
import numpy.typing as npt
import polars as pl

EDGES = (8, 16, 32, 64, 128, 256, 512, 1024)
NAMES = (*(f"{low + 1}-{high}" for low, high in zip((0, *EDGES), EDGES, strict=False)), f"{EDGES[-1] + 1}+")


def bucket(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the index in `NAMES` of each length."""
    return np.searchsorted(EDGES, lengths)


def counts(lengths: npt.NDArray[np.int64], split: str) -> pl.DataFrame:
    """Count a split's documents by bucket, up to the last that has any; `share` compares splits by eye."""
    found = np.bincount(bucket(lengths), minlength=len(NAMES))
    used = int(np.max(np.nonzero(found), initial=0)) + 1
    return pl.DataFrame(
        {
            "tokens": NAMES[:used],
            "split": [split] * used,
            "share": found[:used] / max(found.sum(), 1),
            "documents": found[:used],
        }
    )
