import json

import pytest

from tests.support.labelled_files import read_file, refused

GOOD = '{"text": "a", "label": "pos"}'


@pytest.mark.parametrize(
    "spelling", ["1.0", "1", "0", "-0", "-0.0", "0.10", "1e5", "1E+5", "123456789012345678901234567890", "Infinity"]
)
def test_a_number_keeps_its_spelling(tmp_path, spelling):
    assert read_file(tmp_path, "a.jsonl", f'{{"text": {spelling}, "label": {spelling}}}') == (
        [(spelling, spelling)],
        {},
    )


@pytest.mark.parametrize("spelling", ["true", "false"])
def test_a_boolean_keeps_its_spelling(tmp_path, spelling):
    assert read_file(tmp_path, "a.jsonl", f'{{"text": "a", "label": {spelling}}}') == ([("a", spelling)], {})


@pytest.mark.parametrize("value", ["null", "NaN", "-NaN", '""', '"  "', '"\\u200b"'])
def test_a_missing_value_is_neither_text_nor_label(tmp_path, value):
    rows = f'{{"text": {value}, "label": "pos"}}\n{{"text": "a", "label": {value}}}\n{GOOD}'
    found, rejected = read_file(tmp_path, "a.jsonl", rows)
    assert found == [("a", "pos")]
    assert sorted(rejected) == [1, 2]


@pytest.mark.parametrize("word", ["None", "NaN", "null"])
def test_a_string_is_no_missing_value(tmp_path, word):
    assert read_file(tmp_path, "a.jsonl", json.dumps({"text": word, "label": word})) == ([(word, word)], {})


REASONS = {
    '{"text": ["a"], "label": "pos"}': "text is a list",
    '{"text": "a", "label": ["pos"]}': "label is a list",
    '{"text": {"a": 1}, "label": "pos"}': "text is an object",
    '{"text": "a", "label": {}}': "label is an object",
    '{"text": "a", "text": "b", "label": "pos"}': "the key 'text' occurs twice",
    '{"id": 1, "text": "a", "label": "pos", "id": 2}': "the key 'id' occurs twice",
    '{"\\ud800": 1, "\\ud800": 2, "text": "a", "label": "pos"}': "the key '\ufffd' occurs twice",
    '{"text": "a", "label": "pos\\u0000"}': "a NUL character in label",
    '{"text": "a\\u0000", "label": "pos"}': "a NUL character in text",
    '{"text": "a", "label": "po\\ns"}': "a line break in label",
    '{"text": "\\ud800 a", "label": "pos"}': "half of a surrogate pair, which is no character",
    '{"text": "a", "label": "__label__a __label__b"}': "several labels; a text can have one",
    f'{{"text": "a", "label": {"1" * 5000}}}': "a number of 5000 digits",
    f'{{"text": "a", "label": "pos", "n": 0.{"1" * 4998}}}': "a number of 5000 digits",
    "[" * 100_000: "nested too deeply",
    '{"text": "a", "label": ' + "[" * 100_000: "nested too deeply",
    "1" * 5000: "not a JSON object",
    '{"text": "a\0", "label": "pos"}': "not valid JSON: Invalid control character at",
}


@pytest.mark.parametrize("row", REASONS, ids=range(len(REASONS)))
def test_a_row_that_cannot_be_used_is_rejected_with_its_reason(tmp_path, row):
    found, rejected = read_file(tmp_path, "a.jsonl", f"{GOOD}\n{row}\n{GOOD}\n")
    assert found == [("a", "pos")] * 2
    assert rejected == {2: REASONS[row]}


def test_fields_that_are_not_read_may_be_anything(tmp_path):
    row = '{"text": "a", "label": "pos", "more": {"b": [1, NaN], "b": 2}, "id": null, "text2": ["\\ud800"]}'
    assert read_file(tmp_path, "a.jsonl", row) == ([("a", "pos")], {})


def test_a_key_may_be_absent_from_the_first_object(tmp_path):
    assert read_file(tmp_path, "a.jsonl", f'{{"text": "b"}}\n{GOOD}') == ([("a", "pos")], {1: "empty label"})


def test_json_has_no_numbered_columns(tmp_path):
    assert refused(tmp_path, "a.jsonl", GOOD, label=2).startswith("JSON has keys, not numbered columns")


# Arrays


@pytest.mark.parametrize("indent", [None, 1])
def test_an_array_is_read_as_json_and_named_as_json_lines(tmp_path, indent):
    content = json.dumps([{"text": f"a {i}", "label": "pos", "n": i} for i in range(5)], indent=indent)
    documents = ([(f"a {i}", "pos") for i in range(5)], {})
    assert read_file(tmp_path, "a.json", content) == documents
    assert read_file(tmp_path, "a.txt", content, format="json") == documents
    assert refused(tmp_path, "a.jsonl", content) == (
        "is one JSON array, not an object a line: set data.format: json"
    )


def test_objects_a_line_may_be_called_json(tmp_path):
    assert read_file(tmp_path, "a.json", f"{GOOD}\n{GOOD}") == ([("a", "pos")] * 2, {})


def test_elements_of_an_array_are_rejected_with_their_line(tmp_path):
    content = f'[\n{GOOD},\n\n[1],\n{{"text": "\\ud800", "label": "a"}}\n,{{"label": {"1" * 5000}}}, {GOOD} ]\n'
    found, rejected = read_file(tmp_path, "a.json", content)
    assert found == [("a", "pos")] * 2
    assert rejected == {
        4: "not a JSON object",
        5: "half of a surrogate pair, which is no character",
        6: "a number of 5000 digits",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"[\n{GOOD},\n", "line 3: not valid JSON: Expecting value"),
        (f"[\n{GOOD}\n{GOOD}]", "line 3: not valid JSON: Expecting ',' or ']'"),
        (f"[{GOOD}]\n]", "line 2: not valid JSON: Extra data"),
        (f"[{GOOD},\n{'[' * 100_000}", "line 2: nested too deeply"),
        ('{"data": [\n{}]}', "is neither an array of objects nor an object a line: write it as one of them"),
        ("[]", "is empty; it should hold at least a text and a label"),
        ("[", "line 1: not valid JSON: Expecting value"),
    ],
)
def test_what_is_no_array_is_refused_where_it_breaks(tmp_path, content, message):
    assert refused(tmp_path, "a.json", content) == message
