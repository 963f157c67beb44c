import bz2
import gzip
import json
from datetime import date

import polars as pl
import pytest

from carousel.batch.chunks import CHARACTERS, chunks, encodable
from carousel.batch.files import open_inputs
from carousel.errors import UserError
from carousel.tasks.classification.prediction import TextReader

TEXTS = ["the cat", "", "ça 日本", 'with "quotes", and\ta tab', "two\nlines"]


def csv_of(delimiter: str) -> str:
    quoted = ['"' + text.replace('"', '""') + '"' for text in TEXTS]
    return "\n".join([f"id{delimiter}text", *(f"{i}{delimiter}{text}" for i, text in enumerate(quoted))]) + "\n"


def read(path, column=None):
    file = open_inputs(path, column)
    (chunk,) = chunks(file.rows())
    return file, chunk


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_every_table_gives_the_same_rows(tmp_path, ending):
    path = tmp_path / f"texts.{ending}"
    frame = pl.DataFrame({"id": [str(i) for i in range(len(TEXTS))], "text": TEXTS})
    if ending == "parquet":
        frame.write_parquet(path)
    elif ending == "jsonl":
        frame.write_ndjson(path)
    else:
        path.write_text(csv_of("," if ending == "csv" else "\t"), "utf-8")
    file, chunk = read(path)
    assert (file.column, file.columns) == ("text", ("id", "text"))
    assert chunk.inputs == TEXTS
    assert chunk.reasons == [None] * len(TEXTS)
    assert chunk.kept == frame.to_dicts()


def test_a_file_without_columns_has_a_text_a_line(tmp_path):
    path = tmp_path / "texts"
    path.write_bytes(b"\xef\xbb\xbfthe cat\r\n\nlast")
    _, chunk = read(path)
    assert chunk.inputs == ["the cat", "", "last"]
    assert chunk.kept == [{"text": text} for text in chunk.inputs]
    with pytest.raises(UserError, match="leave --column out"):
        open_inputs(path, "body")


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_files_are_read(tmp_path, ending, compress):
    path = tmp_path / f"texts.csv{ending}"
    path.write_bytes(compress(csv_of(";").encode()))
    assert read(path)[1].inputs == TEXTS


def test_the_column_is_the_named_one_or_text_or_the_only_one(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("id;body\n1;the cat\n")
    assert read(path, "body")[1].inputs == ["the cat"]
    with pytest.raises(UserError, match=r"has no column 'text'; it has 'id;body': name one with --column"):
        open_inputs(path, "text")
    path.write_text("body\nthe cat\n")
    assert read(path)[1].inputs == ["the cat"]
    path.write_text("a,a\nthe cat,b\n")
    with pytest.raises(UserError, match="name the columns, each once"):
        open_inputs(path, "a")


def test_a_row_without_a_text_has_a_reason(tmp_path):
    path = tmp_path / "texts.jsonl"
    lines = [
        '{"text": "the cat"}', "{broken", "[1]", '{"other": 1}', '{"text": null}', '{"text": "\\ud800"}',
        '{"text": ["a"]}', '{"text": 5}', '{"text": true}', '{"text": NaN}', "[" * 100_000,
    ]  # fmt: skip
    path.write_bytes("\n".join(lines).encode() + b'\n{"text": "caf\xe9"}\n')
    _, chunk = read(path)
    chunk.check(TextReader.check.__get__(object()))
    assert [given for given in chunk.inputs if given is not None] == ["the cat", "5", "true"]
    assert chunk.reasons == [
        None,
        "not valid JSON: Expecting property name enclosed in double quotes",
        "not a JSON object",
        "no text",
        "no text",
        "half of a surrogate pair, which is no character",
        "is not a text but list",
        None,
        None,
        "no text",
        "nested too deeply",
        "not UTF-8",
    ]
    assert chunk.predictable == [0, 7, 8]


def test_a_row_of_another_width_has_a_reason(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_bytes(b'id,text\n1,the cat\n2\n3,a,b\n4,"a"b\n5,caf\xe9\n6,end\n')
    _, chunk = read(path)
    assert chunk.inputs == ["the cat", None, None, None, None, "end"]
    assert chunk.reasons[1:3] == ["1 field where the header has 2", "3 fields where the header has 2"]
    assert chunk.reasons[3].startswith("not valid CSV: characters after a closing quote")
    assert chunk.reasons[4] == "not UTF-8"
    assert encodable(chunk.kept[4]) == {"id": "5", "text": "caf\ufffd"}


def test_other_types_of_a_parquet_column_are_spelled_or_refused(tmp_path):
    path = tmp_path / "texts.parquet"
    for values, expected in (([1, None], ["1", None]), ([date(2026, 1, 5)], ["2026-01-05"]), ([b"a"], [None])):
        pl.DataFrame({"text": values}).write_parquet(path)
        _, chunk = read(path)
        chunk.check(TextReader.check.__get__(object()))
        assert chunk.inputs == expected


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("texts.csv", b"", "is empty"),
        ("texts.jsonl", b"[1]\n", "none of its first lines is a JSON object"),
        ("texts.parquet", b"text\nthe cat\n", "not a readable Parquet file"),
        ("texts.txt", b"%PDF-1.7", "is a PDF document"),
    ],
)
def test_what_cannot_be_read_is_a_user_error(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=reason):
        open_inputs(tmp_path / name, None)


def test_a_missing_file_or_a_folder_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        open_inputs(tmp_path / "nothing.csv", None)
    with pytest.raises(UserError, match="is a folder"):
        open_inputs(tmp_path, None)


def test_chunks_have_so_many_rows_or_so_many_characters():
    rows = [("a" * size, {}, None) for size in (1, 1, 1, CHARACTERS, 1, 1)]
    assert [len(chunk) for chunk in chunks(iter(rows), 3)] == [3, 1, 2]
    assert list(chunks(iter([]), 3)) == []


def test_what_utf_8_cannot_write_is_replaced():
    value = {"a\ud800": ["\udce9", json.loads('"\\ud83d\\ude00"')], "b": 1}
    assert encodable(value) == {"a\ufffd": ["\ufffd", "😀"], "b": 1}
