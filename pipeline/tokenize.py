"""Cut every document into tokens."""

from collections.abc import Sequence

import polars as pl

from carousel import layout
from carousel.corpus import lengths, tables
from carousel.corpus.source import preset
from carousel.files import write_text
from carousel.params import load
from carousel.text import columns
from carousel.text.conventions import check_agreement
from carousel.text.subwords import build, default_normalization
from pipeline.stage import run

CHECKED = 500  # documents of each split that are compared with torchtext's own tokenizer


def main() -> None:
    params = load()
    chosen, splits = params.tokenizer, tables.read_splits(layout.PREPARED)
    steps: Sequence[str] | None = chosen.normalization
    if steps is None:
        steps = (*preset(params.data), *default_normalization(chosen.name))
    tokenizer = build(chosen.name, steps, splits["train"]["text"], chosen.subwords)
    counted = []
    for name, frame in splits.items():
        tokens = frame.select("id", "label").with_columns(tokens=columns.tokens(frame["text"], tokenizer))
        check_agreement(tokenizer, frame["text"].head(CHECKED), tokens["tokens"].head(CHECKED))
        tables.write(tokens, layout.TOKENS / f"{name}.parquet")
        counted.append(lengths.counts(tokens["tokens"].list.len().cast(pl.Int64).to_numpy(), name))
        print(f"{name}: {tokens['tokens'].list.len().sum()} tokens")
    tables.write(pl.concat(counted), layout.LENGTHS_REPORT)
    write_text(layout.TOKENIZER, tokenizer.to_json())


if __name__ == "__main__":
    run(main)
