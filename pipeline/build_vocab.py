"""Fit the vocabulary and the other parts on the training split, and find the vectors that its words begin with."""

import polars as pl

from carousel import layout
from carousel.cli.output import say
from carousel.corpus import tables
from carousel.corpus.document import SPLITS
from carousel.corpus.pretrained import Pretrained, save
from carousel.corpus.training_data import TOKENIZER, VOCABULARY
from carousel.files import replacing, write_json
from carousel.params import load
from carousel.task import find
from carousel.text import columns, unknown, vectors
from carousel.text.vocabulary import Vocabulary
from pipeline.stage import run


def main() -> None:
    params = load()
    chosen, wanted = params.vocab, params.vectors
    counts = {name: columns.counts(pl.scan_parquet(layout.TOKENS / f"{name}.parquet")).collect() for name in SPLITS}
    vocabulary = Vocabulary.build(counts["train"].iter_rows(), min_count=chosen.min_count, max_size=chosen.max_size)
    rates = {name: columns.out_of_vocabulary(frame, vocabulary) for name, frame in counts.items()}
    warning = unknown.check(vocabulary, rates["val"], counts["train"], params.tokenizer.name, chosen.max_unknown)
    parts = {
        VOCABULARY: vocabulary.to_text().encode("utf-8"),
        TOKENIZER: layout.TOKENIZER.read_bytes(),
        **find(params.task).fit_parts(tables.read(layout.TOKENS / "train.parquet"), params),
    }
    with replacing(layout.PARTS) as folder:
        folder.mkdir()
        for name, content in parts.items():
            (folder / name).write_bytes(content)
    write_json(
        layout.VOCABULARY_REPORT,
        {"size": len(vocabulary), "distinct_in_train": counts["train"].height, "oov_rate": rates},
    )
    found, covered = None, {"words": 0.0, "tokens": 0.0}
    if wanted.file is not None:
        found = Pretrained(vectors.read(layout.PRETRAINED / wanted.file, vocabulary), wanted.freeze_epochs)
        covered = vectors.coverage(found.vectors, vocabulary, dict(counts["train"].iter_rows()))
    save(found, layout.VECTORS)
    write_json(layout.VECTORS_REPORT, covered)
    listed = ", ".join(f"{name} {rate:.1%}" for name, rate in rates.items())
    say(
        f"vocabulary of {len(vocabulary)} tokens, special ones included; train has {counts['train'].height}; "
        f"out of vocabulary: {listed}"
    )
    if warning is not None:
        say(warning)
    if found is not None:
        say(
            f"{wanted.file} has vectors for {covered['words']:.1%} of the vocabulary, "
            f"{covered['tokens']:.1%} of train's tokens"
        )


if __name__ == "__main__":
    run(main)
