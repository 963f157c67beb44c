import platform
from pathlib import Path

import pytest

from carousel.errors import UserError
from carousel.params import read_yaml
from carousel.tasks.classification import stdlib_docs
from carousel.tasks.classification.document import SCHEMA

TOPICS = Path(__file__).parents[3] / "data" / "stdlib_docs.yaml"


@pytest.fixture(scope="module")
def documents():
    return stdlib_docs.read(TOPICS)


def read(tmp_path, topics):
    (tmp_path / "topics.yaml").write_text(topics, encoding="utf-8")
    return stdlib_docs.read(tmp_path / "topics.yaml")


# Properties


def test_two_reads_are_equal(tmp_path):
    first, second = (read(tmp_path, "numeric: [statistics, fractions]\n") for _ in range(2))
    assert first.height
    assert first.equals(second)


def test_no_two_texts_are_equal(documents):
    assert documents["text"].n_unique() == documents.height


def test_there_are_about_6800_documents_none_with_a_split(documents):
    assert documents.schema == SCHEMA
    assert 6_000 <= documents.height <= 8_000
    assert documents["split"].is_null().all()


def test_each_has_at_least_four_words(documents):
    assert min(len(text.split()) for text in documents["text"]) == stdlib_docs.MIN_WORDS == 4


def test_the_labels_are_the_eleven_topics_of_the_file(documents):
    topics = read_yaml(TOPICS, "")
    assert set(documents["label"]) == set(topics)
    assert documents["label"].n_unique() == 11
    assert documents["label"].value_counts()["count"].min() >= 100


def test_each_document_has_the_topic_of_its_module(documents):
    topic_of = {module: topic for topic, modules in read_yaml(TOPICS, "").items() for module in modules}
    assert [topic_of[name.split(".")[0]] for name in documents["id"]] == documents["label"].to_list()


def test_no_document_is_of_the_librarys_own_tests(documents):
    assert documents.filter(documents["id"].str.contains(r"\.(tests?|idlelib|lib2to3)\.")).is_empty()


# Examples


def test_a_module_its_functions_and_its_methods_are_documents(tmp_path):
    found = read(tmp_path, "text: [re, textwrap]\nnumeric: [fractions]\n")
    by_name = dict(found.select("id", "text").iter_rows())
    assert by_name["textwrap"].startswith("Text wrapping and filling.")
    assert by_name["textwrap.dedent"].startswith("Remove any common leading whitespace from every line")
    assert by_name["textwrap.TextWrapper.wrap"].startswith("wrap(text : string) -> [string]")
    assert dict(found.select("id", "label").iter_rows())["fractions.Fraction"] == "numeric"
    # in order of module and line
    assert list(dict.fromkeys(name.split(".")[0] for name in found["id"])) == ["fractions", "re", "textwrap"]


def test_an_unknown_module_gives_no_documents(tmp_path):
    assert read(tmp_path, "text: [no_such_module]\n").is_empty()


def test_the_origin_is_the_running_python():
    assert stdlib_docs.origin() == {"python": platform.python_version()}


# Mistakes


def test_a_missing_table_of_topics_says_who_reads_it(tmp_path):
    with pytest.raises(
        UserError, match=r"topics.yaml: no such file; data.source: stdlib_docs reads its topics there"
    ):
        stdlib_docs.read(tmp_path / "topics.yaml")


@pytest.mark.parametrize(
    "content", ["- re\n- string\n", "re", "text: re", "text:", "text: {re: 1}", "text: [{re: 1}]"]
)
def test_a_file_that_is_no_table_of_topics_is_refused(tmp_path, content):
    with pytest.raises(UserError, match=r"topics.yaml: should hold topics, each with a list of module names"):
        read(tmp_path, content)


def test_broken_yaml_is_told_with_its_line(tmp_path):
    with pytest.raises(UserError, match=r"topics.yaml: line 2: not valid YAML"):
        read(tmp_path, "text: [re]\nmore: : [re]\n")
