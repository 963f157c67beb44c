import gzip
import io
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.tasks.tagging.data import Data
from carousel.tasks.tagging.tagged_files import read
from tests.support.reading import put
from tests.tasks.tagging.tagged_reading import SENTENCES, WRITERS, jsonl, read_file, refused

# Lists can hold what columns cannot: tokens with tabs and line breaks
anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
tokens = anything.filter(lambda word: not word.isspace())
tags = tokens.filter(lambda word: len(f"{word}.".splitlines()) == 1)
pairs = st.lists(st.tuples(tokens, tags), min_size=1, max_size=5)
sentences = st.lists(pairs.map(lambda pairs: tuple(map(list, zip(*pairs, strict=True)))), min_size=1, max_size=5)


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
@given(written=sentences)
@settings(max_examples=60, deadline=None)
def test_any_sentences_are_read_as_they_were_written(ending, written):
    with tempfile.TemporaryDirectory() as folder:
        assert read_file(Path(folder), f"a{ending}", WRITERS[ending](written)) == (written, {})


def parquet(**columns):
    written = io.BytesIO()
    pl.DataFrame(columns).write_parquet(written)
    return written.getvalue()


GOOD = '{"tokens": ["a", "b"], "tags": ["O", "B-X"]}'
REJECTED = {
    '{"tokens": ["a"], "tags": ["O", "O"]}': "1 token, but 2 tags",
    '{"tokens": ["a", "b"], "tags": ["O"]}': "2 tokens, but 1 tag",
    '{"tokens": [], "tags": []}': "no tokens",
    '{"tokens": [], "tags": ["O"]}': "0 tokens, but 1 tag",
    '{"tokens": null, "tags": ["O"]}': "tokens is null, not a list",
    '{"tokens": ["a"], "tags": null}': "tags is null, not a list",
    '{"tokens": ["a"]}': "tags is null, not a list",
    '{"tokens": "a b", "tags": ["O", "O"]}': "tokens is a string, not a list",
    '{"tokens": {"a": 1}, "tags": ["O"]}': "tokens is an object, not a list",
    '{"tokens": ["a"], "tags": 1}': "tags is a number, not a list",
    '{"tokens": ["a", 1], "tags": ["O", "O"]}': "tokens has a number where a string should be (item 2 of 2)",
    '{"tokens": ["a"], "tags": [0.5]}': "tags has a number where a string should be (item 1 of 1)",
    '{"tokens": [true], "tags": ["O"]}': "tokens has a boolean where a string should be (item 1 of 1)",
    '{"tokens": ["a", null], "tags": ["O", "O"]}': "tokens has null where a string should be (item 2 of 2)",
    '{"tokens": [["a"]], "tags": ["O"]}': "tokens has a list where a string should be (item 1 of 1)",
    '{"tokens": [{}], "tags": ["O"]}': "tokens has an object where a string should be (item 1 of 1)",
    '{"tokens": ["a", ""], "tags": ["O", "O"]}': "empty token (token 2 of 2)",
    '{"tokens": ["a", "\\u2003\\n"], "tags": ["O", "O"]}': "empty token (token 2 of 2)",
    '{"tokens": ["a"], "tags": [" "]}': "empty tag (tag 1 of 1)",
    '{"tokens": ["a\\u0000"], "tags": ["O"]}': "a NUL character in a token (token 1 of 1)",
    '{"tokens": ["a"], "tags": ["B\\nX"]}': "a line break in a tag (tag 1 of 1)",
    '{"tokens": ["\\ud800"], "tags": ["O"]}': "half of a surrogate pair, which is no character (token 1 of 1)",
    '{"tokens": ["a"], "tags": ["O"], "tags": ["O"]}': "the key 'tags' occurs twice",
    '["a", "O"]': "not a JSON object",
    "1": "not a JSON object",
    '{"tokens": ["a"], "tags": ["O"]': "not valid JSON: Expecting ',' delimiter",
    "[" * 100_000: "nested too deeply",
}


@pytest.mark.parametrize("row", REJECTED, ids=range(len(REJECTED)))
def test_a_row_that_cannot_be_used_is_rejected_with_its_reason(tmp_path, row):
    found, rejected = read_file(tmp_path, "a.jsonl", f"{GOOD}\n{row}\n\n{GOOD}")
    assert found == [(["a", "b"], ["O", "B-X"])] * 2
    assert rejected == {2: REJECTED[row]}


def test_a_number_of_thousands_of_digits_is_rejected(tmp_path):
    found, rejected = read_file(tmp_path, "a.jsonl", f'{GOOD}\n{{"n": {"1" * 5000}}}')
    assert len(found) == 1
    assert list(rejected) == [2]


@pytest.mark.parametrize(
    ("tokens", "tags", "reason"),
    [
        (["a", "b"], [1, 2], "tags has a number where a string should be (item 1 of 2)"),
        (["a", "b"], [None, "O"], "tags has null where a string should be (item 1 of 2)"),
        ("a b", ["O", "O"], "tokens is a string, not a list"),
        (None, ["O"], "tokens is null, not a list"),
        (["a"], ["O", "O"], "1 token, but 2 tags"),
        ([], [], "no tokens"),
        ([b"a"], ["O"], "tokens has bytes where a string should be (item 1 of 1)"),
        ([["a"]], ["O"], "tokens has a list where a string should be (item 1 of 1)"),
    ],
)
def test_rows_of_parquet_are_rejected_for_the_same_reasons(tmp_path, tokens, tags, reason):
    found, rejected = read_file(tmp_path, "a.parquet", parquet(tokens=[tokens], tags=[tags]))
    assert found == []
    assert rejected == {1: reason}


def test_categories_and_arrays_are_lists_of_strings(tmp_path):
    written = io.BytesIO()
    pl.DataFrame(
        {"tokens": [["a", "b"]], "tags": [["O", "B-X"]]},
        schema={"tokens": pl.Array(pl.String, 2), "tags": pl.List(pl.Enum(["O", "B-X"]))},
    ).write_parquet(written)
    assert read_file(tmp_path, "a.parquet", written.getvalue()) == ([(["a", "b"], ["O", "B-X"])], {})


def intents(folder, name, content, **data):
    put(folder, name, content)
    collected = read(Data(source="file", path=name, **data), folder)
    return collected.documents["intent"].to_list(), [(row.line, row.reason) for row in collected.rejected]


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_an_intent_is_read_from_its_column(tmp_path, ending):
    rows = [{"tokens": ["a"], "tags": ["O"], "intent": "x", "domain": "y"}] * 2
    content = "\n".join(map(json.dumps, rows))
    if ending == ".parquet":
        content = parquet(**{key: [row[key] for row in rows] for key in rows[0]})
    assert intents(tmp_path, f"a{ending}", content) == (["x", "x"], [])
    assert intents(tmp_path, f"a{ending}", content, intent="domain") == (["y", "y"], [])
    assert intents(tmp_path, f"a{ending}", content, intent=None) == ([None, None], [])
    assert refused(tmp_path, f"a{ending}", content, intent="topic") == (
        "has no column 'topic'; it has 'tokens', 'tags', 'intent', 'domain': set data.intent"
    )


def test_a_sentence_without_an_intent_among_others_with_one_is_rejected(tmp_path):
    rows = [{"tokens": ["a"], "tags": ["O"], "intent": intent} for intent in ("x", None, "", ["x"], 1, "y")]
    content = "\n".join(map(json.dumps, [*rows, {"tokens": ["a"], "tags": ["O"]}]))
    found, rejected = intents(tmp_path, "a.jsonl", content)
    missing = "no intent, which other sentences have; data.intent: null ignores intents"
    assert found == ["x", "y"]
    assert sorted(rejected) == [
        (2, missing),
        (3, "empty intent"),
        (4, "intent is a list, not a string"),
        (5, "intent is a number, not a string"),
        (7, missing),
    ]


def test_keys_have_any_names(tmp_path):
    content = '{"words": ["a"], "ner": ["O"], "tokens": 1}'
    assert read_file(tmp_path, "a.jsonl", content, tokens="words", tags="ner") == ([(["a"], ["O"])], {})


@pytest.mark.parametrize(
    ("name", "content", "data", "message"),
    [
        ("a.jsonl", GOOD, {"tags": "ner"}, "has no column 'ner'; it has 'tokens', 'tags': set data.tags"),
        ("a.jsonl", '{"words": ["a"]}', {}, "has no column 'tokens'; it has 'words': set data.tokens"),
        ("a.jsonl", f"[{GOOD}]", {}, "is one JSON array; write one object a line"),
        ("a.jsonl", f"[\n{GOOD}\n]", {}, "is one JSON array; write one object a line"),
        ("a.jsonl", GOOD, {"tags": 2}, "data.tags: give the name of the column instead of the number 2"),
        ("a.parquet", GOOD, {}, "not a readable Parquet file"),
        ("a.parquet", gzip.compress(parquet(tokens=[["a"]])), {}, "not a readable Parquet file: it is compressed"),
        ("a.parquet", parquet(tokens=[["a"]]), {}, "has no column 'tags'; it has 'tokens': set data.tags"),
        ("a.parquet", parquet(tokens=[["a"]]), {"tags": 2}, "data.tags: give the name of the column instead of"),
    ],
)
def test_a_file_without_the_columns_is_refused(tmp_path, name, content, data, message):
    assert refused(tmp_path, name, content, **data).startswith(message)


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz"])
def test_json_lines_have_these_endings(tmp_path, name):
    content = gzip.compress(jsonl(SENTENCES)) if name.endswith(".gz") else jsonl(SENTENCES)
    assert read_file(tmp_path, name, content) == (SENTENCES, {})
