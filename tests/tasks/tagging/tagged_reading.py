"""Files of tagged sentences for tests: written in every format, read, or refused."""

import io
import json

import polars as pl
from hypothesis import strategies as st

from carousel.tasks.tagging.data import Data
from carousel.tasks.tagging.document import SCHEMA
from carousel.tasks.tagging.tagged_files import read
from tests.support.reading import Reading

SENTENCES = [
    (["In", "New", "York", "."], ["O", "B-LOC", "I-LOC", "O"]),
    (["#", "1"], ["O", "O"]),
    (["café", "😀"], ["B-ORG", "O"]),
]


def conll(sentences, separator="\t", end="\n"):
    return "".join(
        "".join(f"{token}{separator}{tag}{end}" for token, tag in zip(*sentence, strict=True)) + end
        for sentence in sentences
    ).encode()


def conllu(sentences):
    blocks = (
        "# text = …\n"
        + "".join(
            f"{i}\t{token}\t_\t{tag}\t_\t_\t_\t_\t_\t_\n"
            for i, (token, tag) in enumerate(zip(*sentence, strict=True), 1)
        )
        for sentence in sentences
    )
    return ("\n".join(blocks) + "\n").encode()


def jsonl(sentences):
    return "".join(f"{json.dumps({'tokens': tokens, 'tags': tags})}\n" for tokens, tags in sentences).encode()


def parquet(sentences):
    written = io.BytesIO()
    schema = {"tokens": pl.List(pl.String), "tags": pl.List(pl.String)}
    pl.DataFrame(sentences, schema=schema, orient="row").write_parquet(written)
    return written.getvalue()


WRITERS = {".conll": conll, ".conllu": conllu, ".jsonl": jsonl, ".parquet": parquet}

# Any tokens and tags that every text format can spell: no separators, nothing that is empty or a comment
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0\t\n\r ")
words = st.text(characters, min_size=1, max_size=6) | st.sampled_from(
    ["#", "#tag", "\u2028", "a\u2028b", "a\u00a0b", "\ufeffa", "\ufe0f", "\u200b", "1-2", '"', "a\x85", "-DOCSTART"]
)
tokens = words.filter(lambda word: not word.isspace())
tags = tokens.filter(lambda word: len(f"{word}.".splitlines()) == 1 and word != "_")
sentences = st.lists(
    st.lists(st.tuples(tokens, tags), min_size=1, max_size=5).map(
        lambda pairs: tuple(map(list, zip(*pairs, strict=True)))
    ),
    min_size=1,
    max_size=5,
)


reading = Reading(Data, read, SCHEMA, ("tokens", "tags"))
read_file, refused = reading.read_file, reading.refused
