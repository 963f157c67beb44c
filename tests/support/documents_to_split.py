"""Documents to divide: few texts, so that many are equal."""

import polars as pl
from hypothesis import strategies as st

from carousel.params import Split
from carousel.tasks.classification.document import SCHEMA

# Few words, so that the same text comes often: again, in other case, in other white space, under another label
words = st.sampled_from(
    ["café", "CAFÉ", "tea", "Tea ", "tea  time", "tea\ntime", "TEA\tTIME", "Σας", "ΣΑΣ", "x", "y"]
)
labels = st.sampled_from(["pos", "neg"])
noise = st.lists(st.tuples(words, labels), max_size=12)

# Enough of each label for every part
BASE = [(f"{label} {i}", label) for label in ("pos", "neg") for i in range(12)]

fractions = st.floats(0.1, 0.45)
splits = st.builds(Split, val_fraction=fractions, test_fraction=fractions, seed=st.integers(0, 5))


def frame(rows):
    """Make documents of (text, label) or (text, label, split)."""
    rows = [(f"d{i}", *row, *[None] * (3 - len(row))) for i, row in enumerate(rows)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def key(text):
    return " ".join(text.lower().split())


def keys(documents):
    return [key(text) for text in documents["text"]]


@st.composite
def mixed(draw):
    """Documents without splits, in any order."""
    return frame(draw(st.permutations([*BASE, *draw(noise)])))


@st.composite
def given_splits(draw):
    """Documents with given splits: train, and perhaps val, and perhaps test."""
    rows = [(*row, "train") for row in [*BASE, *draw(noise)]]
    for name in draw(st.sampled_from([(), ("val",), ("test",), ("val", "test")])):
        held_out = [(f"{name} {i}", label) for i, label in enumerate(("pos", "neg"))]
        rows += [
            (*row, name) for row in [*held_out, *draw(noise), *draw(st.lists(st.sampled_from(BASE), max_size=4))]
        ]
    return frame(draw(st.permutations(rows)))
