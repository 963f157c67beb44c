"""Turn tokens into ids, in files that training reads by memory map."""

import numpy as np
import polars as pl

from carousel import layout
from carousel.corpus import tables
from carousel.corpus.encoded import Encoded, targets
from carousel.params import load
from carousel.text import columns
from carousel.text.vocabulary import Vocabulary
from pipeline.stage import run


def main() -> None:
    params = load().encode
    vocabulary = Vocabulary.from_text(layout.VOCABULARY.read_text("utf-8"))
    splits = tables.read_splits(layout.TOKENS)
    labels = tuple(sorted(splits["train"]["label"].unique()))
    for name, frame in splits.items():
        ids, lengths = columns.ids(frame["tokens"], vocabulary, params.max_length, params.truncation)
        encoded = Encoded(
            ids=ids.to_numpy(),
            offsets=np.concatenate([[0], lengths.to_numpy().cumsum()]),
            targets=targets(frame["label"].to_list(), labels),
            labels=labels,
            names=tuple(frame["id"]),
            full_length=frame["tokens"].list.len().cast(pl.Int64).to_numpy(),
        )
        encoded.save(layout.ENCODED / name)
        cut = int((encoded.full_lengths > encoded.lengths).sum())
        print(f"{name}: {len(encoded)} documents, {len(ids)} ids, {cut} cut to {params.max_length} tokens")


if __name__ == "__main__":
    run(main)
