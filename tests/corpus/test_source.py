import platform
from pathlib import Path

import polars as pl
import pytest

from carousel.corpus import source
from carousel.corpus.document import SCHEMA, Rejected
from carousel.errors import UserError
from carousel.params import Data

FILE = Data(source="file", path="reviews.csv")


def labelled(*labels):
    return pl.DataFrame(
        [(f"reviews.csv:{i}", f"text {i}", label, None) for i, label in enumerate(labels, start=2)],
        schema=SCHEMA,
        orient="row",
    )


def test_the_source_is_the_one_that_params_names(tmp_path):
    (tmp_path / "reviews.csv").write_text("text,label\ngood,pos\nbad,neg\n,neg\n")
    documents, rejected = source.collect(FILE, tmp_path)
    assert documents["text"].to_list() == ["good", "bad"]
    assert rejected == [Rejected("reviews.csv", 4, "empty text")]

    (tmp_path / "topics.yaml").write_text("numeric: [fractions]\nfiles: [fnmatch]\n")
    documents, rejected = source.collect(Data(source="stdlib_docs", path="topics.yaml"), tmp_path)
    assert set(documents["label"]) == {"numeric", "files"}
    assert rejected == []


def test_paths_are_relative_to_the_working_folder_if_no_root_is_given(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text("text,label\ngood,pos\n")
    monkeypatch.chdir(tmp_path)
    assert source.collect(FILE)[0].equals(source.collect(FILE, Path(tmp_path))[0])


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
        "the first is line 10: empty label (all of them are in reports/rejected.jsonl)"
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
    counted = {"documents": 3, "rejected": 1, "labels": 2}
    assert source.describe(FILE, documents, rejected) == {"source": "file", **counted}
    assert source.describe(Data(), documents, rejected) == {
        "source": "stdlib_docs",
        **counted,
        "python": platform.python_version(),
    }
