"""Build the vocabulary from the training split alone, and report how much of each split it covers."""

from pathlib import Path

import polars as pl

from carousel.corpus.document import SPLITS
from carousel.files import write_json, write_text
from carousel.params import load
from carousel.text import columns
from carousel.text.vocabulary import Vocabulary
from pipeline.stage import run


def main() -> None:
    params = load().vocab
    counts = {name: columns.counts(pl.scan_parquet(f"data/tokens/{name}.parquet")).collect() for name in SPLITS}
    vocabulary = Vocabulary.build(counts["train"].iter_rows(), min_count=params.min_count, max_size=params.max_size)
    write_text(Path("artifacts/vocab.txt"), vocabulary.to_text())
    unknown = {name: columns.out_of_vocabulary(frame, vocabulary) for name, frame in counts.items()}
    write_json(
        Path("reports/vocab.json"),
        {"size": len(vocabulary), "distinct_in_train": counts["train"].height, "oov_rate": unknown},
    )
    rates = ", ".join(f"{name} {rate:.1%}" for name, rate in unknown.items())
    print(f"{len(vocabulary)} tokens of {counts['train'].height} in train; out of vocabulary: {rates}")


if __name__ == "__main__":
    run(main)
