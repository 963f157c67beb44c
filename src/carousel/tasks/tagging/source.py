"""Sources of tagged sentences. A new source is a new file and a line in `SOURCES`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from carousel.corpus.document import Collected, Rejected, check_rejected, first_rejected
from carousel.corpus.labels import alike, alike_remarks, shown
from carousel.errors import UserError
from carousel.tasks.tagging import schemes, stdlib_names, tagged_files
from carousel.tasks.tagging.data import Data
from carousel.tasks.tagging.formats.sentences import plural

SOURCES: dict[str, Callable[[Data, Path], Collected]] = {
    "stdlib_names": lambda data, root: Collected(stdlib_names.read(root / data.path)),
    "file": tagged_files.read,
}


def columns(_path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of section `data` that name a new file's columns: those given; `auto` finds the others."""
    return dict(given)


def file_params() -> dict[str, Any]:
    """Return the values that differ from the preset's."""
    return {"data.source": "file"}


def collect(data: Data, root: Path = Path()) -> Collected:
    """Read every sentence of the source that params.yaml names.

    Args:
        data: the `data` section of a tagging task.
        root: where relative paths begin.

    Returns:
        A frame of `tagging.document.SCHEMA`, and the sentences that were left out.

    Raises:
        UserError: when the source is missing, unreadable or empty.
    """
    return SOURCES[data.source](data, root)


def check(data: Data, documents: pl.DataFrame, rejected: list[Rejected]) -> None:
    """Check that there is something to learn.

    Raises:
        UserError: when too many sentences were rejected, none is left, or all tags or all intents are equal.
    """
    total = documents.height + len(rejected)
    check_rejected(rejected, total, data.max_rejected, "sentences")
    if documents.is_empty():
        every = f": all {total} sentences rejected; {first_rejected(rejected)}" if rejected else ""
        raise UserError(f"{data.path}: has no sentence with tokens and tags{every}")
    rest = f" ({plural(len(rejected), 'sentence')} rejected; {first_rejected(rejected)})" if rejected else ""
    tags = documents["tags"].explode().unique()
    if len(tags) == 1:
        raise UserError(
            f"{data.path}: every token has the tag {shown(tags[0])}; a tagger needs at least two tags: check "
            f"data.tags{rest}"
        )
    intents = documents["intent"].unique()
    if len(intents) == 1 and intents[0] is not None:
        raise UserError(
            f"{data.path}: every sentence has the intent {shown(intents[0])}; set data.intent: null to ignore "
            f"intents{rest}"
        )


def remarks(documents: pl.DataFrame, rejected: list[Rejected]) -> list[str]:
    """Return what is worth a look before training, a line each."""
    lines = []
    if rejected:
        lines.append(f"{plural(len(rejected), 'sentence')} rejected; {first_rejected(rejected)}")
    lines += alike_remarks("tags", dict(documents["tags"].explode().value_counts().iter_rows()))
    lines += alike_remarks("intents", dict(documents["intent"].drop_nulls().value_counts().iter_rows()))
    lines += _violations(documents)
    return lines


def describe(data: Data, documents: pl.DataFrame, rejected: list[Rejected]) -> dict[str, Any]:
    """Return what reports/source.json says of a source."""
    tags = documents["tags"].explode()
    return {
        "source": data.source,
        "documents": documents.height,
        "tokens": len(tags),
        "rejected": len(rejected),
        "tags": tags.n_unique(),
        "tags_that_look_alike": len(alike(tags.unique())),
        "intents": documents["intent"].drop_nulls().n_unique(),
        **(stdlib_names.origin() if data.source == "stdlib_names" else {}),
    }


def _violations(documents: pl.DataFrame) -> list[str]:
    """Return a line on sentences that break the scheme of their tags, if there are any."""
    if not schemes.is_spans(documents["tags"].explode().unique()):
        return []
    found = [
        (name, tags, place)
        for name, tags in documents.select("id", "tags").iter_rows()
        if (place := schemes.first_violation(tags)) is not None
    ]
    if not found:
        return []
    name, tags, place = found[0]
    before = f"follows {tags[place - 1]}" if place else "is the first tag"
    return [
        f"{plural(len(found), 'sentence')} with a tag that continues no span, the first {name}: token {place + 1}, "
        f"where {tags[place]} {before}; correct the tags, or expect spans to be counted as if it began one"
    ]
