"""Cut every document into tokens."""

from pathlib import Path

import polars as pl

from carousel.corpus import lengths, tables
from carousel.files import write_text
from carousel.params import load
from carousel.text import columns
from carousel.text.conventions import check_agreement
from carousel.text.tokenizer import TOKENIZERS
from pipeline.stage import run

CHECKED = 500  # documents of each split that are compared with torchtext's own tokenizer


def main() -> None:
    tokenizer = TOKENIZERS[load().tokenizer.name]
    counted = []
    for name, frame in tables.read_splits(Path("data/prepared")).items():
        tokens = frame.select("id", "label", columns.tokens(pl.col("text"), tokenizer).alias("tokens"))
        check_agreement(
            tokenizer.name, frame["text"].head(CHECKED).to_list(), tokens["tokens"].head(CHECKED).to_list()
        )
        tables.write(tokens, Path(f"data/tokens/{name}.parquet"))
        counted.append(lengths.counts(tokens["tokens"].list.len().cast(pl.Int64).to_numpy(), name))
        print(f"{name}: {tokens['tokens'].list.len().sum()} tokens")
    tables.write(pl.concat(counted), Path("reports/lengths.csv"))
    write_text(Path("artifacts/tokenizer.json"), tokenizer.to_json())


if __name__ == "__main__":
    run(main)
