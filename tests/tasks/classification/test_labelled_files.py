import gzip
import json
import tempfile
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.corpus.document import Rejected
from carousel.errors import UserError
from carousel.tasks.classification import source
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.formats.rows import MISSING
from carousel.tasks.classification.labelled_files import read
from tests.support.labelled_files import FORMATS, PAIRS, WRITERS, parquet, read_file, refused
from tests.support.reading import put

# Every form of the same documents


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_gives_the_same_documents(tmp_path, ending):
    assert read_file(tmp_path, f"reviews{ending}", WRITERS[ending](PAIRS)) == (PAIRS, {})


@pytest.mark.parametrize("ending", FORMATS)
def test_gzip_gives_the_same_documents_under_any_name(tmp_path, ending):
    zipped = gzip.compress(WRITERS[ending](PAIRS))
    assert read_file(tmp_path, f"reviews{ending}.gz", zipped) == (PAIRS, {})
    assert read_file(tmp_path, f"reviews{ending}", zipped) == (PAIRS, {})


@pytest.mark.parametrize("ending", FORMATS)
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path, ending):
    assert read_file(tmp_path, f"reviews{ending}", b"\xef\xbb\xbf" + WRITERS[ending](PAIRS)) == (PAIRS, {})


@pytest.mark.parametrize("ending", [ending for ending in FORMATS if ending])
def test_line_ends_of_windows_and_blank_lines_are_no_part_of_any_document(tmp_path, ending):
    content = WRITERS[ending](PAIRS).replace(b"\n", b"\r\n\r\n")
    assert read_file(tmp_path, f"reviews{ending}", content) == (PAIRS, {})


@pytest.mark.parametrize("ending", FORMATS)
def test_a_given_format_comes_before_the_name(tmp_path, ending):
    content = WRITERS[ending](PAIRS)
    assert read_file(tmp_path, "reviews.v2.parquet", content, format=FORMATS[ending]) == (PAIRS, {})


characters = st.characters(exclude_categories=["Cs"])
fields = st.text(characters, min_size=1, max_size=12) | st.sampled_from(
    ['"', 'a"b', "a\nb", "a,b\tc", "\ufeffa", "x\r"]
)
# what can be a document: something to be seen, and no word that means a missing value
filled = fields.filter(
    lambda text: any(unicodedata.category(char) not in ("Cc", "Cf", "Zs", "Zl", "Zp") for char in text)
).filter(lambda text: "\0" not in text and text.strip() not in MISSING)
names = filled.filter(lambda text: len(text.strip().splitlines()) == 1 and not text.strip().startswith("__label__"))


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
@given(pairs=st.lists(st.tuples(filled, names), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_as_it_was_written_but_for_the_white_space_around_it(ending, pairs):
    with tempfile.TemporaryDirectory() as folder:
        quoting = {"quoting": "standard"} if ending in (".csv", ".tsv") else {}
        found, rejected = read_file(Path(folder), f"reviews{ending}", WRITERS[ending](pairs), **quoting)
    assert found == [(text.strip(), label.strip()) for text, label in pairs]
    assert rejected == {}


# Names, columns, values


def test_a_document_is_named_by_file_and_line(tmp_path):
    put(tmp_path, "reviews.csv", "text,label\ngood,pos\nbad,neg\n")
    collected = read(Data(source="file", path="reviews.csv"), tmp_path)
    assert collected.documents["id"].to_list() == ["reviews.csv:2", "reviews.csv:3"]
    assert collected.documents["split"].to_list() == [None, None]


def test_line_numbers_stay_right_after_quoted_line_breaks(tmp_path):
    content = 'text,label\n"a\nb\n\nc",pos\nd,neg\n,neg\n"e\nf",\ng,pos\n'
    put(tmp_path, "reviews.csv", content)
    collected = read(Data(source="file", path="reviews.csv"), tmp_path)
    assert dict(collected.documents.select("id", "text").iter_rows()) == {
        "reviews.csv:2": "a\nb\n\nc",
        "reviews.csv:6": "d",
        "reviews.csv:10": "g",
    }
    assert collected.rejected == [
        Rejected("reviews.csv", 7, "empty text"),
        Rejected("reviews.csv", 8, "empty label"),
    ]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_columns_may_have_any_name_and_order(tmp_path, ending):
    content = WRITERS[ending](PAIRS)
    swapped = [(label, text) for text, label in PAIRS]
    assert read_file(tmp_path, f"a{ending}", content, text="label", label="text") == (swapped, {})


def test_the_first_word_of_a_line_is_its_label(tmp_path):
    content = "pos good  and cheap \n\n  neg bad\npos\n"
    found, rejected = read_file(tmp_path, "train.txt", content)
    assert found == [("good  and cheap", "pos"), ("bad", "neg")]
    assert rejected == {4: "empty text"}


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_numbers_can_be_labels(tmp_path, name):
    frame = pl.DataFrame({"text": ["a", "b", "c"], "label": [1, 0, None]})
    frame.write_parquet(tmp_path / "a.parquet")
    content = frame.write_ndjson() if name == "a.jsonl" else (tmp_path / name).read_bytes()
    assert read_file(tmp_path, name, content) == ([("a", "1"), ("b", "0")], {3: "empty label"})


def test_a_document_of_a_megabyte_is_read(tmp_path):
    text = "word " * 200_000
    assert read_file(tmp_path, "a.csv", f"text,label\n{text},long\n") == ([(text.strip(), "long")], {})


# Whatever a file holds

settings_ = st.fixed_dictionaries(
    {},
    optional={
        "quoting": st.sampled_from(["standard", "none"]),
        "header": st.sampled_from(["first", "none"]),
        "delimiter": st.sampled_from([",", ";", "\t"]),
        "encoding": st.sampled_from(["latin-1", "utf-16", "utf-16-le", "gb18030", "utf-32"]),
        "compression": st.sampled_from(["none", "gzip", "bz2", "xz", "zstd"]),
        "missing": st.just(["a"]),
        "format": st.sampled_from(["csv", "tsv", "json", "jsonl", "parquet", "lines"]),
    },
)
pieces = st.sampled_from(
    [b'"', b"\n", b"\r", b",", b"\t", b";", b" ", b"\0", b"{", b"[", b"]", b"}", b":", b"\xff\xfe", b"\xef\xbb\xbf"]
)
pieces |= st.sampled_from(
    [
        b"text",
        b"label",
        b'"text": ',
        b'"label": ',
        b"__label__a ",
        b"NaN",
        b"null",
        b"pos",
        b"\\ud800",
        b"1e999",
        b"sep=;",
    ]
)
pieces |= st.binary(max_size=4)


@pytest.mark.parametrize("ending", WRITERS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_file_is_read_or_refused_in_one_line(ending, data):
    """A valid file with pieces put in, or no valid file at all, under any settings."""
    content = WRITERS[ending](data.draw(st.sampled_from([PAIRS, [], PAIRS * 4])))
    for piece in data.draw(st.lists(pieces, max_size=6)):
        place = data.draw(st.integers(0, len(content)))
        content = content[:place] + piece + content[place + data.draw(st.integers(0, 3)) :]
    columns = data.draw(
        st.sampled_from([{}, {"text": 1, "label": 2}, {"text": 2, "label": 1}, {"split_column": "text"}])
    )
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), f"a{ending}", content)
        params = Data(source="file", path=f"a{ending}", **columns, **data.draw(settings_))
        message = ""
        try:
            collected = read(params, Path(folder))
        except UserError as error:
            message = str(error)
    assert "\n" not in message
    if message:
        return
    source.describe(params, collected.documents, collected.rejected)
    source.remarks(collected.documents, collected.rejected)
    assert all(text.strip() and label.strip() for text, label in collected.documents.select("text", "label").rows())
    assert all(json.loads(row.to_json()) for row in collected.rejected)
    assert len({row.line for row in collected.rejected}) == len(collected.rejected)


# Rows that are left out


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_ragged_rows_and_rows_without_text_or_label_are_rejected_with_their_line_and_reason(tmp_path, delimiter):
    rows = ["text,label", "a,pos", "alone", "b,c,neg", "", ",neg", "  ,neg", "d, ", "e,neg"]
    name = "a.csv" if delimiter == "," else "a.tsv"
    found, rejected = read_file(tmp_path, name, "\n".join(rows).replace(",", delimiter))
    assert found == [("a", "pos"), ("e", "neg")]
    assert rejected == {
        3: "1 field where the header has 2",
        4: "3 fields where the header has 2",
        6: "empty text",
        7: "empty text",
        8: "empty label",
    }


def test_broken_json_lines_are_rejected_with_their_line_and_reason(tmp_path):
    good = '{"text": "a", "label": "pos"}'
    rows = [
        good,
        "{bad",
        "[1]",
        '"text"',
        "",
        '{"text": "b"}',
        '{"label": "pos"}',
        '{"text": null, "label": 1}',
        good,
    ]
    found, rejected = read_file(tmp_path, "a.jsonl", "\n".join(rows))
    assert found == [("a", "pos"), ("a", "pos")]
    assert rejected == {
        2: "not valid JSON: Expecting property name enclosed in double quotes",
        3: "not a JSON object",
        4: "not a JSON object",
        6: "empty label",
        7: "empty text",
        8: "empty text",
    }


def test_half_of_a_surrogate_pair_is_rejected_and_a_whole_one_is_a_character(tmp_path):
    rows = [
        r'{"text": "\ud83d\ude00", "label": "a"}',
        r'{"text": "\ud83d", "label": "a"}',
        r'{"text": "b", "label": "\ude00"}',
    ]
    found, rejected = read_file(tmp_path, "a.jsonl", "\n".join(rows))
    assert found == [("😀", "a")]
    assert rejected == dict.fromkeys((2, 3), "half of a surrogate pair, which is no character")


def test_more_rejected_rows_than_allowed_stop_with_the_first_line_and_reason(tmp_path):
    put(tmp_path, "a.csv", "text,label\na,pos\nb,neg\n" + "alone\n" * 3)
    data = Data(source="file", path="a.csv", max_rejected=2)
    collected = source.collect(data, tmp_path)
    with pytest.raises(
        UserError, match=r"a.csv: 3 of 5 rows rejected, .* allows 2; the first is line 4 of a.csv: 1"
    ):
        source.check(data, collected.documents, collected.rejected)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,pos\nb,pos\nc,neg\n", "one document only for label 'neg'"),
        ("a,pos\nb,pos\n", "every document has the label 'pos'; a classifier needs at least two: check data.label"),
        (
            "a,\nb,\n",
            "has no document with a text and a label: all 2 rows rejected; the first is line 2 of a.csv: empty lab",
        ),
    ],
)
def test_a_file_with_too_little_to_learn_is_refused(tmp_path, rows, message):
    put(tmp_path, "a.csv", f"text,label\n{rows}")
    data = Data(source="file", path="a.csv")
    collected = source.collect(data, tmp_path)
    with pytest.raises(UserError, match=message):
        source.check(data, collected.documents, collected.rejected)


# Splits


def test_given_splits_are_read_in_order_and_each_document_says_its_own(tmp_path):
    put(tmp_path, "a.csv", "text,label\na,pos\n")
    put(tmp_path, "b.jsonl", '{"text": "b", "label": "neg"}\n')
    put(tmp_path, "c.txt.gz", gzip.compress(b"pos c\nneg\n"))
    data = Data(source="file", path=".", splits={"test": "c.txt.gz", "train": "a.csv", "val": "b.jsonl"})
    collected = read(data, tmp_path)
    assert collected.documents.rows() == [
        ("a.csv:2", "a", "pos", "train"),
        ("b.jsonl:1", "b", "neg", "val"),
        ("c.txt.gz:1", "c", "pos", "test"),
    ]
    assert collected.rejected == [Rejected("c.txt.gz", 2, "empty text")]


def test_a_column_can_say_the_split(tmp_path):
    put(tmp_path, "a.csv", "text,label,part\na,pos,train\nb,neg, test \nc,pos,dev\nd,neg,\n")
    collected = read(Data(source="file", path="a.csv", split_column="part"), tmp_path)
    assert collected.documents.select("text", "split").rows() == [("a", "train"), ("b", "test")]
    assert collected.rejected == [
        Rejected("a.csv", 4, "part is 'dev', not one of train, val, test"),
        Rejected("a.csv", 5, "part is '', not one of train, val, test"),
    ]


def test_lines_have_no_column_for_a_split(tmp_path):
    message = refused(tmp_path, "a.txt", "pos a\n", split_column="part")
    assert message == "`label text` lines have no column 'part'; take data.split_column out"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"path": "b.csv"}, r"b.csv: no such file or folder; data.path in params.yaml names it"),
        ({"path": "folder"}, r"folder: is a folder; name its files in data.splits, or one in data.path \(c.csv\)"),
        (
            {"path": "a.csv", "splits": {"train": "a.csv"}},
            r"a.csv: is not a folder; with data.splits, data.path is",
        ),
        (
            {"path": "folder", "splits": {"train": "c.csv", "test": "d.csv"}},
            r"folder/d.csv: no such file; data.splits in params.yaml names it",
        ),
    ],
)
def test_a_missing_or_misplaced_file_is_named(tmp_path, data, message):
    put(tmp_path, "a.csv", "text,label\na,pos\n")
    (tmp_path / "folder").mkdir()
    put(tmp_path / "folder", "c.csv", "text,label\na,pos\n")
    with pytest.raises(UserError, match=message):
        read(Data(source="file", **data), tmp_path)


# Files that cannot be read


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_wrong_column_name_is_answered_with_those_that_exist(tmp_path, ending):
    content = WRITERS[ending](PAIRS)
    for wrong in ({"text": "body"}, {"label": "body"}, {"split_column": "body"}):
        message = refused(tmp_path, f"a{ending}", content, **wrong)
        assert message == "has no column 'body'; it has 'text', 'label': set data.text and data.label"


@pytest.mark.parametrize("before", ["", "\n", "{broken\n"])
def test_a_wrong_column_name_is_found_in_the_first_json_object(tmp_path, before):
    message = refused(tmp_path, "a.jsonl", before + '{"txt": "a", "label": "pos"}\n')
    assert message.startswith("has no column 'text'; it has 'txt', 'label'")


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("content", ["", "\n", "\r\n\n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path, ending, content):
    assert refused(tmp_path, f"a{ending}", content) == "is empty; it should hold at least a text and a label"


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_a_file_with_columns_and_no_rows_is_empty(tmp_path, ending):
    assert refused(tmp_path, f"a{ending}", WRITERS[ending]([])).startswith("is empty")


@pytest.mark.parametrize("ending", [ending for ending in FORMATS if ending])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_that_is_not_utf8_names_the_line_and_the_byte(tmp_path, ending, zipped):
    content = WRITERS[ending]([("a", "pos"), ("b", "neg"), ("XX", "pos"), ("c", "neg")]).replace(b"XX", b"caf\xe9")
    line = 4 if ending in (".csv", ".tsv") else 3
    message = refused(tmp_path, f"a{ending}", gzip.compress(content) if zipped else content)
    assert message.startswith(f"line {line}: not UTF-8 (byte 0xe9); set data.encoding to what it is")


@pytest.mark.parametrize("ending", FORMATS)
def test_damaged_gzip_is_told_wherever_it_is_cut(tmp_path, ending):
    whole = gzip.compress(WRITERS[ending](PAIRS * 100))
    for cut in (whole[:2], whole[:12], whole[: len(whole) // 2], whole[:-1]):
        assert "the gzip data is damaged or cut short: " in refused(tmp_path, f"a{ending}.gz", cut)
    flipped = whole[:-8] + bytes(byte ^ 255 for byte in whole[-8:])
    assert "the gzip data is damaged or cut short: CRC" in refused(tmp_path, f"a{ending}.gz", flipped)


def test_damaged_gzip_says_after_which_line(tmp_path):
    whole = gzip.compress(b"pos a\n" * 10)
    message = refused(tmp_path, "a.txt.gz", whole[:-8] + bytes(8))
    assert message.startswith("after line 10: the gzip data is damaged")


@pytest.mark.parametrize(
    ("ending", "kind"), [(".csv", "CSV"), (".tsv", "TSV"), (".csv.gz", "CSV"), (".tsv.gz", "TSV")]
)
def test_an_unclosed_quote_is_told_at_the_line_where_its_row_begins(tmp_path, ending, kind):
    content = 'text,label\n"ab",pos\n\n"c,neg\nd,pos\ne,neg\n'.replace(",", "\t" if kind == "TSV" else ",").encode()
    message = refused(tmp_path, f"a{ending}", gzip.compress(content) if ending.endswith(".gz") else content)
    assert message == (
        f"line 4: not valid {kind}: a quote is never closed; close or double its quotes, or set data.quoting: none "
        "if they are ordinary characters"
    )


@pytest.mark.parametrize(
    "content", [b"", b"text,label\na,pos\n", parquet(PAIRS)[:-1], gzip.compress(parquet(PAIRS))]
)
def test_what_is_no_parquet_file_is_refused(tmp_path, content):
    assert refused(tmp_path, "a.parquet", content).startswith("not a readable Parquet file: ")
