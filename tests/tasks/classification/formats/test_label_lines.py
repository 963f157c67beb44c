import pytest

from carousel.tasks.classification.data import Data
from carousel.tasks.classification.labelled_files import read
from tests.support.labelled_files import read_file, refused
from tests.support.reading import put

TEXTS = [f"some words of document {i}" for i in range(40)]
LABELS = [("neg", "pos")[i % 2] for i in range(40)]
DOCUMENTS = list(zip(TEXTS, LABELS, strict=True))


def written(form, labels=LABELS):
    return "".join(form.format(text=text, label=label) + "\n" for text, label in zip(TEXTS, labels, strict=True))


@pytest.mark.parametrize("name", ["a.txt", "SMSSpamCollection", "a.train"])
@pytest.mark.parametrize(
    "form",
    [
        "{label} {text}",
        "{label}\t{text}",
        "  {label} \t {text} ",
        "__label__{label} {text}",
        "__label__{label}\t{text}",
        "{text} __label__{label}",
    ],
)
def test_every_form_of_labelled_lines_is_told_by_its_content(tmp_path, name, form):
    assert read_file(tmp_path, name, written(form)) == (DOCUMENTS, {})


def test_a_label_before_a_tab_may_have_spaces_and_a_text_more_tabs_and_any_quotes(tmp_path):
    labels = [("New York", "alt.atheism")[i % 2] for i in range(40)]
    content = written("{label}\t{text}", labels) + 'New York\t"I said\tthis\nalt.atheism\tand\' "that\n'
    found, rejected = read_file(tmp_path, "a.txt", content)
    assert found[:40] == list(zip(TEXTS, labels, strict=True))
    assert found[40:] == [('"I said\tthis', "New York"), ("and' \"that", "alt.atheism")]
    assert rejected == {}


def test_what_was_recognised_is_said(tmp_path):
    for form, note in {
        "{label}\t{text}": "a tab stands between label and text",
        "__label__{label} {text}": "__label__ is taken off its labels",
    }.items():
        put(tmp_path, "a.txt", written(form))
        assert read(Data(source="file", path="a.txt"), tmp_path).notes == [f"a.txt: {note}"]


def test_a_tab_in_a_text_is_no_separator(tmp_path):
    content = written("{label} {text}") + "pos\tone\nneg a\tb\n"
    found, rejected = read_file(tmp_path, "a.txt", content)
    assert found == [*DOCUMENTS, ("one", "pos"), ("a\tb", "neg")]
    assert rejected == {}


def test_a_line_without_the_tab_that_the_others_have_is_rejected(tmp_path):
    found, rejected = read_file(tmp_path, "a.txt", written("{label}\t{text}") + "pos no tab\n")
    assert found == DOCUMENTS
    assert rejected == {41: "no tab between label and text"}


def test_lines_with_and_without_tabs_are_refused(tmp_path):
    content = written("{label}\t{text}") + written("{label} {text}")
    assert refused(tmp_path, "a.txt", content).startswith(
        "some lines have a tab and some have none (40 of the first 80)"
    )


@pytest.mark.parametrize(
    ("form", "what", "numbers"),
    [
        ("{text}\t{label}\tX", "lines have 3 fields with tabs between", (1, 3)),
        ("7\t{label}\t{text}", "lines have 3 fields with tabs between", (3, 1)),
        ("{text}\t{label}", "labels stand last, after a tab", (1, 2)),
    ],
)
def test_other_tables_with_tabs_are_named_with_the_params_that_read_them(tmp_path, form, what, numbers):
    text, label = numbers
    message = refused(tmp_path, "germeval.txt", written(form))
    assert message == (
        f"its {what}: set data.format: tsv, data.header: none, data.quoting: none, data.text: {text}, "
        f"data.label: {label}"
    )
    settings = {"format": "tsv", "header": "none", "quoting": "none", "text": text, "label": 2 if text != 2 else 1}
    assert read_file(tmp_path, "germeval.txt", written(form), **settings) == (DOCUMENTS, {})


def test_several_labels_on_a_line_are_rejected(tmp_path):
    content = (
        "__label__a x\n__label__a __label__b y\n__label__a z __label__b\nno label\n__label__b about __label__\n"
    )
    found, rejected = read_file(tmp_path, "a.txt", content)
    assert found == [("x", "a"), ("about __label__", "b")]
    assert rejected == {
        2: "2 labels (a b); a text can have one",
        3: "2 labels (a b); a text can have one",
        4: "no __label__ where the first line has one",
    }


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t")])
def test_the_prefix_is_taken_off_in_tables_too(tmp_path, name, delimiter):
    rows = "label,text\n__label__a,x\n__label__a __label__b,y\n__label__a,z __label__b\nplain,__label__a\n"
    rows += "__label__,v\n"
    found, rejected = read_file(tmp_path, name, rows.replace(",", delimiter))
    assert found == [("x", "a"), ("__label__a", "plain")]
    assert rejected == {
        3: "several labels; a text can have one",
        4: "several labels; a text can have one",
        6: "empty label",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,pos\n", "its first line names columns ('text', 'label'): set data.format: csv"),
        ("label\ttext\npos\ta\n", "its first line names columns ('label', 'text'): set data.format: tsv"),
        ('"id";"text";"label"\n', "its first line names columns ('id', 'text', 'label'): set data.format: csv"),
        ("label text\npos a\n", "its first line names columns ('label', 'text'): take it out"),
        ('{"text": "a", "label": "pos"}\n', "its lines are JSON: set data.format: jsonl"),
        (
            "(3 (2 a) (2 film))\n(1 (2 no))\n",
            "its lines are trees in parentheses, not `label text`: take their words out",
        ),
    ],
)
def test_other_formats_are_named(tmp_path, content, message):
    assert refused(tmp_path, "a.txt", content) == message


def test_first_words_that_are_no_labels_are_refused(tmp_path):
    content = "".join(f"word{i} of a text\n" for i in range(30))
    assert refused(tmp_path, "a.txt", content).startswith(
        "30 lines begin with 30 different words, which cannot be labels ('word0', 'word1', 'word2', …)"
    )


def test_missing_values_are_rejected(tmp_path):
    found, rejected = read_file(tmp_path, "a.txt", "pos a\nNaN b\npos None\nneg None of it\n")
    assert found == [("a", "pos"), ("None of it", "neg")]
    assert sorted(rejected) == [2, 3]
