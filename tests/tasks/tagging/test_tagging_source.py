import platform

import polars as pl
import pytest

from carousel.corpus.document import Rejected
from carousel.errors import UserError
from carousel.tasks.tagging import source
from carousel.tasks.tagging.data import Data
from carousel.tasks.tagging.document import SCHEMA

FILE = Data(source="file", path="a.conll")


def tagged(*sentences, intents=None):
    return pl.DataFrame(
        [
            (
                f"a.conll:{i}",
                [f"w{j}" for j in range(len(tags.split()))],
                tags.split(),
                intents and intents[i - 1],
                None,
            )
            for i, tags in enumerate(sentences, start=1)
        ],
        schema=SCHEMA,
        orient="row",
    )


def test_the_source_is_the_one_that_params_names(tmp_path):
    (tmp_path / "a.conll").write_text("a\tO\nb\tB-X\n\nc\n")
    collected = source.collect(FILE, tmp_path)
    assert collected.documents["tokens"].to_list() == [["a", "b"]]
    assert collected.rejected == [Rejected("a.conll", 4, "1 column where most lines have 2")]


def test_every_source_that_params_allows_is_there():
    assert set(source.SOURCES) == {*Data.model_fields["source"].annotation.__args__}


def test_two_tags_are_enough():
    source.check(FILE, tagged("O X"), [])
    source.check(FILE, tagged("O", "X", intents=["a", "b"]), [])


@pytest.mark.parametrize(("count", "allowed"), [(0, 0), (3, 3), (4, 3), (1, 0)])
def test_more_rejected_sentences_than_max_rejected_stop(count, allowed):
    data = FILE.model_copy(update={"max_rejected": allowed})
    rejected = [Rejected("a.conll", line, "no tokens") for line in range(10, 10 + count)]
    if count <= allowed:
        source.check(data, tagged("O X"), rejected)
        return
    with pytest.raises(UserError) as error:
        source.check(data, tagged("O X"), rejected)
    assert str(error.value) == (
        f"a.conll: {count} of {count + 1} sentences rejected, data.max_rejected allows {allowed}; the first is "
        "line 10 of a.conll: no tokens (all of them are in reports/rejected.jsonl)"
    )


REJECTED = [Rejected("a.conll", 2, "no tokens")]
FIRST = "the first is line 2 of a.conll: no tokens (all of them are in reports/rejected.jsonl)"


@pytest.mark.parametrize(
    ("documents", "rejected", "message"),
    [
        (tagged(), [], "has no sentence with tokens and tags"),
        (tagged(), REJECTED, f"has no sentence with tokens and tags: all 1 sentences rejected; {FIRST}"),
        (
            tagged("O O", "O"),
            [],
            "every token has the tag 'O'; a tagger needs at least two tags: check data.tags",
        ),
        (
            tagged("O"),
            REJECTED,
            "every token has the tag 'O'; a tagger needs at least two tags: check data.tags (1 sentence rejected; "
            f"{FIRST})",
        ),
        (
            tagged("O X", "O", intents=["a", "a"]),
            [],
            "every sentence has the intent 'a'; set data.intent: null to ignore intents",
        ),
    ],
)
def test_data_with_nothing_to_learn_is_refused(documents, rejected, message):
    with pytest.raises(UserError) as error:
        source.check(FILE, documents, rejected)
    assert str(error.value) == f"a.conll: {message}"


def test_there_is_nothing_to_remark_on_sound_data():
    assert source.remarks(tagged("O B-X I-X", "NOUN", intents=["a", "b"]), []) == []
    assert source.remarks(tagged("B-X I-X E-X", "S-X"), []) == []
    assert source.remarks(tagged("NOUN I-X"), []) == []


def test_the_remarks_name_what_looks_wrong():
    documents = tagged("O B-X B-x", "I-X", "O B-X I-Y", intents=["play", "Play", "stop"])
    assert source.remarks(documents, REJECTED) == [
        f"1 sentence rejected; {FIRST}",
        "tags that look alike: 'B-X' (2), 'B-x' (1); they differ in case: make them one if they are",
        "intents that look alike: 'Play' (1), 'play' (1); they differ in case: make them one if they are",
        "2 sentences with a tag that continues no span, the first a.conll:2: token 1, where I-X is the first tag; "
        "correct the tags, or expect spans to be counted as if it began one",
    ]
    assert source.remarks(tagged("O B-X I-Y"), []) == [
        "1 sentence with a tag that continues no span, the first a.conll:1: token 3, where I-Y follows B-X; "
        "correct the tags, or expect spans to be counted as if it began one"
    ]


def test_of_many_groups_of_tags_that_look_alike_the_first_are_named():
    lines = source.remarks(tagged("a b c d e f g A B C D E F G"), [])
    assert len(lines) == 6
    assert lines[-1] == "2 more groups of tags look alike"


def test_the_description_counts_and_names_the_python_of_the_built_in_data():
    documents = tagged("O X", "O x", intents=["a", "b"])
    counted = {
        "documents": 2,
        "tokens": 4,
        "rejected": 1,
        "tags": 3,
        "tags_that_look_alike": 1,
        "intents": 2,
    }
    assert source.describe(FILE, documents, REJECTED) == {"source": "file", **counted}
    assert source.describe(Data(), documents, REJECTED) == {
        "source": "stdlib_names",
        **counted,
        "python": platform.python_version(),
    }
    assert source.describe(FILE, tagged("O X"), [])["intents"] == 0
