import csv
import io

import pytest

from carousel.tasks.classification.data import Data
from carousel.tasks.classification.labelled_files import read
from tests.support.labelled_files import read_file, refused
from tests.support.reading import put

DOCUMENTS = [(f"some words of document {i}", ("neg", "pos")[i % 2]) for i in range(60)]


def table(delimiter=",", columns=("text", "label"), header=True, quoting=csv.QUOTE_MINIMAL, documents=DOCUMENTS):
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows(
        [{"text": text, "label": label, "id": "7"}[name] for name in columns] for text, label in documents
    )
    return written.getvalue()


def lines(content, changes):
    """Replace whole lines, counted from 1."""
    return "".join(changes.get(number, line) for number, line in enumerate(content.splitlines(keepends=True), 1))


# Delimiters


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_the_one_that_gives_the_columns(tmp_path, name, delimiter):
    documents = [(f"{text}, and; more", label) for text, label in DOCUMENTS]
    content = table(delimiter, documents=documents)
    assert read_file(tmp_path, name, content) == (documents, {})
    put(tmp_path, name, content)
    notes = read(Data(source="file", path=name), tmp_path).notes
    assert bool(notes) == (delimiter != {"a.csv": ",", "a.tsv": "\t"}[name])


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_without_a_header_the_delimiter_is_the_one_that_gives_labels(tmp_path, delimiter, quoting):
    documents = [(f"{text}{', and; more' if delimiter != ',' else ''}", label) for text, label in DOCUMENTS]
    content = table(delimiter, ("label", "text"), header=False, quoting=quoting, documents=documents)
    assert read_file(tmp_path, "a.csv", content, text=2, label=1) == (documents, {})


def test_excel_can_declare_its_delimiter(tmp_path):
    assert read_file(tmp_path, "a.csv", "sep=;\r\ntext;label\r\na;pos\r\n") == ([("a", "pos")], {})


def test_a_given_delimiter_comes_first(tmp_path):
    content = "text~label\na,b~pos\n"
    assert read_file(tmp_path, "a.csv", content, delimiter="~") == ([("a,b", "pos")], {})


# Headers


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize(
    ("columns", "numbers"),
    [
        (("text", "label"), "data.text: 1, data.label: 2"),
        (("label", "text"), "data.text: 2, data.label: 1"),
        (("label", "id", "text"), "data.text: 3, data.label: 2"),
    ],
)
def test_a_missing_header_is_said_with_the_numbers_of_the_columns(tmp_path, name, columns, numbers):
    delimiter = "," if name == "a.csv" else "\t"
    message = refused(tmp_path, name, table(delimiter, columns, header=False))
    assert message == (
        "has no header line, its first line is a document: set data.header: none, and columns by number, from 1: "
        + numbers
    )
    assert refused(tmp_path, name, table(delimiter, columns, header=False), header="none").endswith(numbers)


def test_a_long_first_line_is_never_printed_as_a_column_name(tmp_path):
    message = refused(tmp_path, "a.csv", f'"3","Title","{"description " * 100}"\n' * 3)
    assert "description" not in message
    assert "has no header line" in message


@pytest.mark.parametrize("header", ["auto", "none"])
def test_columns_by_number_need_no_header(tmp_path, header):
    content = table(columns=("label", "id", "text"), header=False)
    assert read_file(tmp_path, "a.csv", content, header=header, text=3, label=1) == (DOCUMENTS, {})


def test_columns_by_number_in_a_file_with_a_header(tmp_path):
    assert read_file(tmp_path, "a.csv", table(), header="first", text=1, label=2) == (DOCUMENTS, {})
    assert refused(tmp_path, "a.csv", table(), text=1, label=2).startswith(
        "its first row looks like a header ('text', 'label'): set data.header: first"
    )


def test_a_number_without_a_column_is_answered_with_how_many_there_are(tmp_path):
    content = table(header=False)
    assert refused(tmp_path, "a.csv", content, text=1, label=3) == (
        "has no column 3; its first row has 2, counted from 1: set data.text: 1, data.label: 2"
    )


@pytest.mark.parametrize(("header", "name"), [("text,label,label", "label"), ("id,text,label,id", "id")])
def test_a_column_name_that_occurs_twice_is_refused_unless_columns_have_numbers(tmp_path, header, name):
    rows = f"{header}\n" + ",".join("abcd"[: header.count(",") + 1]) + "\n"
    assert refused(tmp_path, "a.csv", rows).startswith(f"the column name {name!r} occurs twice: rename one")
    assert read_file(tmp_path, "a.csv", rows, header="first", text=1, label=2) == ([("a", "b")], {})


def test_columns_without_a_name_are_no_double_names(tmp_path):
    assert read_file(tmp_path, "spam.csv", "v1,v2,,,\nham,a,,,\n", text="v2", label="v1") == ([("a", "ham")], {})


def test_spaces_around_names_do_not_matter_and_a_repeated_header_is_no_document(tmp_path):
    content = "text , label\na,pos\ntext , label\n"
    assert read_file(tmp_path, "a.csv", content) == ([("a", "pos")], {3: "the header again"})


def test_json_lines_in_a_csv_file_are_named(tmp_path):
    assert (
        refused(tmp_path, "a.csv", '{"text": "a", "label": "b"}\n') == "its lines are JSON: set data.format: jsonl"
    )


# Quotes


def test_quotes_are_ordinary_characters_if_so_wanted(tmp_path):
    content = 'label\ttext\npos\t"a\nneg\tb" c\npos\t"d"\n'
    found, rejected = read_file(tmp_path, "a.tsv", content, quoting="none")
    assert found == [('"a', "pos"), ('b" c', "neg"), ('"d"', "pos")]
    assert rejected == {}


def swallowed(columns, delimiter, first, last):
    """Put a quote before the text in one row, and one behind it in another."""
    content = table(delimiter, columns)
    rows = content.splitlines(keepends=True)
    opened = rows[first - 1].replace("some", '"some')
    closed = rows[last - 1].replace(f"document {last - 2}", f'document {last - 2}"')
    return lines(content, {first: opened, last: closed})


@pytest.mark.parametrize(
    "columns", [("label", "text"), ("text", "label"), ("id", "text", "label"), ("label", "text", "id")]
)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize("last", [13, 14, 42])
def test_rows_that_two_stray_quotes_swallow_are_never_lost_in_silence(tmp_path, columns, name, last):
    content = swallowed(columns, "," if name == "a.csv" else "\t", 12, last)
    message = refused(tmp_path, name, content)
    assert message.startswith(f"line 12: a quoted field runs on to line {last}")
    assert "data.quoting: none" in message
    found, rejected = read_file(tmp_path, name, content, quoting="none")
    assert [(text.replace('"', ""), label) for text, label in found] == DOCUMENTS
    assert rejected == {}


def test_a_quote_that_displaces_fields_over_lines_is_refused(tmp_path):
    content = lines(table(columns=("label", "text")), {12: 'pos,"some words\n', 42: 'neg",some words\n'})
    assert refused(tmp_path, "a.csv", content).startswith(
        "line 12: a quoted field runs on to line 42 and its row has 3 fields where the header has 2"
    )


@pytest.mark.parametrize("columns", [("label", "text"), ("text", "label")])
def test_texts_of_several_lines_are_read_whatever_they_hold(tmp_path, columns):
    documents = [(f"Well, {text}\nreally, yes\n\nthe end, {i}", label) for i, (text, label) in enumerate(DOCUMENTS)]
    assert read_file(tmp_path, "a.csv", table(columns=columns, documents=documents)) == (documents, {})
    content = table("\t", columns, documents=documents)
    assert read_file(tmp_path, "a.tsv", content, quoting="standard") == (documents, {})
    assert "standard if fields may have line breaks" in refused(tmp_path, "a.tsv", content)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('"b" c,neg', "characters after a closing quote (data.quoting: none takes quotes for characters)"),
        ("b\rc,neg", "a carriage return within a field that has no quotes"),
        ('neg,"b', "a quote is never closed"),
    ],
)
def test_a_broken_row_of_one_line_is_rejected(tmp_path, row, reason):
    content = "text,label\na,pos\n" + row + ("\nd,pos\n" if "never" not in reason else "\n")
    found, rejected = read_file(tmp_path, "a.csv", content)
    assert ("a", "pos") in found
    assert rejected == {3: f"not valid CSV: {reason}"}


def test_a_header_that_cannot_be_read_is_no_row_to_be_left_out(tmp_path):
    assert refused(tmp_path, "a.csv", '"text" x,label\na,pos\n').startswith(
        "line 1: not valid CSV: characters after"
    )


# Missing values

WORDS = ["NaN", "nan", "null", "NULL", "None", "NA", "N/A", "<NA>", " NaN "]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_word_that_means_no_value_is_a_value_in_quotes_alone(tmp_path, word, name):
    rows = f'text,label\n{word},pos\na,{word}\n"{word}",pos\nb,"{word}"\n"x ""NaN"", y",pos\nNaN or not,pos\n'
    found, rejected = read_file(tmp_path, name, rows, delimiter=",")
    kept = word.strip()
    assert found == [(kept, "pos"), ("b", kept), ('x "NaN", y', "pos"), ("NaN or not", "pos")]
    assert rejected == {
        2: f"text is {kept}, a missing value if not in quotes; data.missing: [] reads it as a word",
        3: f"label is {kept}, a missing value if not in quotes; data.missing: [] reads it as a word",
    }


@pytest.mark.parametrize("word", ["none", "na", "Nan", "nil", "NONE", "0", "-"])
def test_other_words_are_words(tmp_path, word):
    assert read_file(tmp_path, "a.csv", f"text,label\na,{word}\n") == ([("a", word)], {})


def test_the_words_of_params_are_missing_values_in_every_format(tmp_path):
    assert read_file(tmp_path, "a.csv", "text,label\na,NaN\n", missing=[]) == ([("a", "NaN")], {})
    for name, content in {
        "a.csv": 'text,label\na,"-"\nb,NaN\n',
        "a.jsonl": '{"text": "z", "label": "z"}\n{"text": "a", "label": "-"}\n{"text": "b", "label": "NaN"}\n',
        "a.txt": "z z\n- a\nNaN b\n",
    }.items():
        found, rejected = read_file(tmp_path, name, content, missing=["-"])
        assert ("b", "NaN") in found
        assert list(rejected.values()) == ["label is -, a word of data.missing"]
