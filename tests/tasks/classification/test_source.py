import platform
from pathlib import Path

import polars as pl
import pytest

from carousel.corpus.document import Rejected
from carousel.errors import UserError
from carousel.tasks.classification import source
from carousel.tasks.classification.data import Data
from carousel.tasks.classification.document import SCHEMA

FILE = Data(source="file", path="reviews.csv")


def labelled(*labels):
    return pl.DataFrame(
        [(f"reviews.csv:{i}", f"text {i}", label, None) for i, label in enumerate(labels, start=2)],
        schema=SCHEMA,
        orient="row",
    )


def test_the_source_is_the_one_that_params_names(tmp_path):
    (tmp_path / "reviews.csv").write_text("text,label\ngood,pos\nbad,neg\n,neg\n")
    collected = source.collect(FILE, tmp_path)
    assert collected.documents["text"].to_list() == ["good", "bad"]
    assert collected.rejected == [Rejected("reviews.csv", 4, "empty text")]

    (tmp_path / "topics.yaml").write_text("numeric: [fractions]\nfiles: [fnmatch]\n")
    collected = source.collect(Data(source="stdlib_docs", path="topics.yaml"), tmp_path)
    assert set(collected.documents["label"]) == {"numeric", "files"}
    assert collected.rejected == []


def test_paths_are_relative_to_the_working_folder_if_no_root_is_given(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text("text,label\ngood,pos\n")
    monkeypatch.chdir(tmp_path)
    assert source.collect(FILE).documents.equals(source.collect(FILE, Path(tmp_path)).documents)


def test_every_source_that_params_allows_is_there():
    assert set(source.SOURCES) == {*Data.model_fields["source"].annotation.__args__}


def test_two_documents_of_two_labels_are_enough():
    source.check(FILE, labelled("pos", "pos", "neg", "neg"), [])


@pytest.mark.parametrize(("rows", "allowed"), [(0, 0), (3, 3), (4, 3), (1, 0)])
def test_more_rejected_rows_than_max_rejected_stop(rows, allowed):
    data = FILE.model_copy(update={"max_rejected": allowed})
    rejected = [Rejected("reviews.csv", line, "empty label") for line in range(10, 10 + rows)]
    if rows <= allowed:
        source.check(data, labelled("pos", "pos", "neg", "neg"), rejected)
        return
    with pytest.raises(UserError) as error:
        source.check(data, labelled("pos", "pos", "neg", "neg"), rejected)
    assert str(error.value) == (
        f"reviews.csv: {rows} of {rows + 4} rows rejected, data.max_rejected allows {allowed}; "
        "the first is line 10 of reviews.csv: empty label (all of them are in reports/rejected.jsonl)"
    )


def test_no_document_at_all_is_refused():
    with pytest.raises(UserError, match=r"reviews.csv: has no document with a text and a label"):
        source.check(FILE, labelled(), [])


def test_one_class_only_is_refused():
    with pytest.raises(UserError, match=r"reviews.csv: every document has the label 'pos'; .* check data.label"):
        source.check(FILE, labelled("pos", "pos"), [])


@pytest.mark.parametrize(
    ("single", "named"),
    [
        ("b", "label 'b'"),
        ("cb", "labels 'b', 'c'"),
        ("bcdefg", "labels 'b', 'c', 'd', 'e', 'f', …"),
    ],
)
def test_a_class_with_one_document_is_refused_by_name(single, named):
    with pytest.raises(UserError, match=f"reviews.csv: one document only for {named}; .* add documents, or join"):
        source.check(FILE, labelled("a", "a", *single), [])


def test_the_description_counts_and_names_the_python_that_stdlib_docs_depends_on():
    documents = labelled("pos", "neg", "neg")
    rejected = [Rejected("reviews.csv", 3, "empty text")]
    counted = {"documents": 3, "rejected": 1, "labels": 2, "labels_that_look_alike": 0}
    assert source.describe(FILE, documents, rejected) == {"source": "file", **counted}
    assert source.describe(Data(), documents, rejected) == {
        "source": "stdlib_docs",
        **counted,
        "python": platform.python_version(),
    }


def test_the_remarks_name_rejected_rows_labels_that_look_alike_and_words_that_may_be_missing_values():
    assert source.remarks(labelled("pos", "neg"), []) == []
    rejected = [Rejected("reviews.csv", 3, "empty text"), Rejected("reviews.csv", 5, "empty label")]
    assert source.remarks(labelled("pos", "Pos", "pos", "nan", "nan"), rejected) == [
        "2 rows rejected; the first is line 3 of reviews.csv: empty text (all of them are in "
        "reports/rejected.jsonl)",
        "labels that look alike: 'Pos' (1), 'pos' (2); they differ in case: make them one if they are",
        "label 'nan' (2 documents) may be a missing value; data.missing: ['nan'] rejects it",
    ]


def test_texts_that_may_be_missing_values_are_counted():
    documents = labelled("pos", "neg").with_columns(text=pl.lit("NaN"))
    assert source.remarks(documents, []) == [
        "text 'NaN' may be a missing value (2 times); data.missing: ['NaN'] drops it"
    ]


def test_of_many_groups_of_labels_that_look_alike_the_first_are_named():
    lines = source.remarks(labelled(*"abcdefg", *"ABCDEFG"), [])
    assert len(lines) == 6
    assert lines[-1] == "2 more groups of labels look alike"


def test_when_every_row_is_rejected_the_line_has_the_first_reason():
    rejected = [Rejected("reviews.csv", line, "3 fields where the header has 2") for line in (2, 3)]
    with pytest.raises(
        UserError, match=r"all 2 rows rejected; the first is line 2 of reviews.csv: 3 fields where the header has 2"
    ):
        source.check(FILE, labelled(), rejected)


def test_rejected_rows_are_named_beside_what_is_left():
    rejected = [Rejected("reviews.csv", 2, "label is a list")]
    for labels in (("pos", "pos"), ("pos", "pos", "neg")):
        with pytest.raises(
            UserError, match=r"\(1 rows rejected; the first is line 2 of reviews.csv: label is a list"
        ):
            source.check(FILE, labelled(*labels), rejected)
