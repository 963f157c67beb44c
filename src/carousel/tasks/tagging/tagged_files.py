"""A user's own files of tagged sentences: CoNLL, CoNLL-U, JSON Lines, Parquet, or folders of `seq` files."""

from pathlib import Path

import polars as pl

from carousel.corpus.document import Collected, Rejected
from carousel.corpus.formats.endings import OTHERS, ending
from carousel.corpus.input_files import input_files
from carousel.errors import UserError
from carousel.tasks.tagging.data import Data
from carousel.tasks.tagging.document import SCHEMA
from carousel.tasks.tagging.formats import conll, conllu, lists, seq
from carousel.tasks.tagging.formats.sentences import Sentences, recognise

FORMATS = {
    ".conllu": "conllu",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# Endings that are not CoNLL, which is the format of all others
UNKNOWN = (OTHERS | {".json", ".csv"}) - {".conll", ".conllu"}
NO_INTENT = "no intent, which other sentences have; data.intent: null ignores intents"


def read(data: Data, root: Path) -> Collected:
    """Read `data.path`, or what `data.splits` names in the folder `data.path`.

    Raises:
        UserError: for a missing, empty, unreadable or wrongly encoded file, or a missing column.
    """
    frames, rejected, notes = [pl.DataFrame(schema=SCHEMA)], [], []

    def is_input(folder: Path) -> bool:
        return data.format != "auto" or (folder / seq.TOKENS).exists()

    for path, split in input_files(data, root, is_input):
        sentences, name = _sentences(path, data)
        if not sentences.lines and not sentences.rejected:
            raise UserError(f"{path}: is empty; it should have at least a token and its tag")
        frames.append(_frame(sentences, name, split))
        rejected += [Rejected(name, line, reason) for line, reason in sorted(sentences.rejected)]
        notes += sentences.notes
    documents, without = _with_intents(pl.concat(frames))
    return Collected(documents, rejected + without, notes)


def _sentences(path: Path, data: Data) -> tuple[Sentences, str]:
    """Return the sentences of a file, and the name that ids and reports give it."""
    kind: str = data.format
    suffix = ""
    if kind == "auto":
        suffix = ending(path)
        kind = "seq" if path.is_dir() else FORMATS.get(suffix, "conll")
    if (kind == "seq") != path.is_dir():
        needed = (
            "a folder, and data.format is not seq" if path.is_dir() else "a file; data.format: seq reads folders"
        )
        raise UserError(f"{path}: is {needed}")
    if kind == "seq":
        name = seq.TOKENS if data.tokens == "auto" else data.tokens
        return seq.read(path, data), f"{path.name}/{name}"
    if kind == "parquet":
        return lists.read_parquet(path, data), path.name
    file = recognise(path, data)  # what the content is comes before what the ending says
    if suffix in UNKNOWN:
        raise UserError(f"{path}: data.format auto does not know {suffix} files: convert it, or set data.format")
    if kind == "jsonl":
        return lists.read_json(file, data), path.name
    if data.intent not in ("auto", None):
        raise UserError(f"{path}: {kind} files have no intents: set data.intent: auto, not {data.intent}")
    return (conllu.read if kind == "conllu" else conll.read)(file, data), path.name


def _frame(sentences: Sentences, name: str, split: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [f"{name}:{line}" for line in sentences.lines],
            "tokens": sentences.tokens,
            "tags": sentences.tags,
            "intent": sentences.intents,
            "split": [split] * len(sentences.lines),
        },
        schema=SCHEMA,
    )


def _with_intents(documents: pl.DataFrame) -> tuple[pl.DataFrame, list[Rejected]]:
    """Return the documents, and those that lack an intent where others have one."""
    missing = documents["intent"].is_null()
    if missing.all():
        return documents, []
    places = [name.rpartition(":") for name in documents.filter(missing)["id"]]
    return documents.filter(~missing), [Rejected(file, int(line), NO_INTENT) for file, _, line in places]
