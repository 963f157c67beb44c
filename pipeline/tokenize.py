"""Cut every example into tokens."""

import polars as pl

from carousel import layout
from carousel.cli.output import say
from carousel.corpus import lengths, tables
from carousel.files import write_text
from carousel.params import load
from carousel.task import find
from pipeline.stage import run


def main() -> None:
    params = load()
    tokenizer, splits = find(params.task).tokenize(tables.read_splits(layout.PREPARED), params)
    counted = []
    for name, tokens in splits.items():
        tables.write(tokens, layout.TOKENS / f"{name}.parquet")
        counted.append(lengths.counts(tokens["tokens"].list.len().cast(pl.Int64).to_numpy(), name))
        say(f"{name}: {tokens['tokens'].list.len().sum()} tokens")
    tables.write(pl.concat(counted), layout.LENGTHS_REPORT)
    write_text(layout.TOKENIZER, tokenizer.to_json())


if __name__ == "__main__":
    run(main)
