"""What a tokenizer does to validation accuracy in each language, and how fast it is."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench.page import table
from bench.results import run, workspace
from bench.results.experiment import Experiment, overridden
from bench.results.sets import SETS
from bench.results.table import Row
from carousel.corpus import tables
from carousel.files import read_json
from carousel.text import columns
from carousel.text.tokenizer import Tokenizer

NAMES = ("unigram", "bpe", "words", "basic_english", "characters", "bytes")
REPEATS = 3  # of the tokenization that is timed


def measure(only: list[str], data: Path) -> Iterator[Row]:
    """Train with each tokenizer on each set, with one seed; no test split is read."""
    for name in only:
        for tokenizer in NAMES:
            # Too many unknown tokens are a result here, not an error
            values = {"tokenizer.name": tokenizer, "vocab.max_unknown": 1.0}
            params = overridden(values, f"tokenizer {tokenizer}")
            label = f"{name} {tokenizer}"
            found = run.carousel(Experiment(set=name), params, 0, 0, data, test=False, label=label)
            folder, _ = workspace.prepare(name, 0, params, data, phrases=False)
            splits = tables.read_splits(folder / "data/tokens")
            yield {
                "set": name,
                "tokenizer": tokenizer,
                "val": round(100 * found.val, 2),
                "documents": splits["val"].height,
                "out_of_vocabulary": round(100 * read_json(folder / "reports/vocab.json")["oov_rate"]["val"], 2),
                "tokens": round(statistics.mean(splits["train"]["tokens"].list.len().to_list()), 1),
                "characters_per_second": _speed(folder),
            }


def page(rows: list[Row]) -> str:
    """Return a table by language, and one with the means over the sets that every tokenizer was measured on.

    Empty if there is none.
    """
    found = {(row["set"], row["tokenizer"]): row for row in rows}
    names = [name for name in SETS if all((name, tokenizer) in found for tokenizer in NAMES)]
    if not names:
        return ""
    titles = [SETS[name].title.partition(",")[0] for name in names]
    by_language = table(
        ["validation accuracy (out of vocabulary)", *(f"`{tokenizer}`" for tokenizer in NAMES)],
        [
            [title, *(_cell(found[name, tokenizer]) for tokenizer in NAMES)]
            for name, title in zip(names, titles, strict=True)
        ],
    )
    means = [
        [
            f"`{tokenizer}`",
            *(
                f"{statistics.mean(found[name, tokenizer][key] for name in names):.1f}{unit}"
                for key, unit in (("val", ""), ("out_of_vocabulary", " %"), ("tokens", ""))
            ),
            f"{statistics.mean(found[name, tokenizer]['characters_per_second'] for name in names) / 1e6:.1f}",
        ]
        for tokenizer in NAMES
    ]
    head = ["mean of the sets above", "accuracy", "out of vocabulary", "tokens/document", "million characters/s"]
    return f"{by_language}\n\n{table(head, means)}"


def _cell(row: Row) -> str:
    return f"{row['val']:.1f} ({row['out_of_vocabulary']:.1f} %)"


def _speed(folder: Path) -> int:
    """Return the characters that are tokenized in a second of CPU time, the best of some repeats."""
    tokenizer = Tokenizer.from_json((folder / "artifacts/tokenizer.json").read_text("utf-8"))
    texts = tables.read_splits(folder / "data/prepared")["train"]["text"]
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        columns.tokens(texts, tokenizer)
        seconds.append(time.process_time() - began)
    return round(texts.str.len_chars().sum() / min(seconds))
