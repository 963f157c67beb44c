import platform
from collections import Counter
from pathlib import Path

import pytest

from carousel.errors import UserError
from carousel.tasks.tagging import stdlib_names
from carousel.tasks.tagging.document import SCHEMA
from carousel.tasks.tagging.python_names import KINDS
from carousel.tasks.tagging.schemes import first_violation

TOPICS = Path(__file__).parents[3] / "data" / "stdlib_docs.yaml"


@pytest.fixture(scope="module")
def documents():
    return stdlib_names.read(TOPICS)


def test_two_reads_are_equal(tmp_path):
    (tmp_path / "topics.yaml").write_text("numeric: [statistics, fractions]\n", "utf-8")
    first, second = (stdlib_names.read(tmp_path / "topics.yaml") for _ in range(2))
    assert first.height
    assert first.equals(second)


def test_there_are_about_11000_sentences_none_with_a_split_or_an_intent(documents):
    assert documents.schema == SCHEMA
    assert 9_000 <= documents.height <= 13_000
    assert documents["split"].is_null().all()
    assert documents["intent"].is_null().all()
    assert documents["id"].n_unique() == documents.height


def test_no_two_sentences_have_equal_tokens(documents):
    assert len({*map(tuple, documents["tokens"])}) == documents.height


def test_each_token_has_a_tag_and_no_sentence_is_very_short_or_very_long(documents):
    sizes = documents["tokens"].list.len()
    assert sizes.equals(documents["tags"].list.len().alias("tokens"))
    assert sizes.min() >= stdlib_names.MIN_TOKENS
    assert sizes.max() <= stdlib_names.MAX_TOKENS
    assert all(token.strip() for tokens in documents["tokens"] for token in tokens)


def test_the_tags_are_spans_of_the_six_kinds(documents):
    tags = Counter(documents["tags"].explode())
    assert set(tags) == {"O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in KINDS)} - {"I-PARAMETER"}
    assert all(first_violation(tags) is None for tags in documents["tags"])
    assert min(tags[f"B-{kind}"] for kind in KINDS) >= 80
    assert tags["B-PARAMETER"] >= 1_000


def test_many_tags_cannot_be_told_from_the_token_alone(documents):
    tags_of = {}
    for tokens, tags in documents.select("tokens", "tags").iter_rows():
        for token, tag in zip(tokens, tags, strict=True):
            tags_of.setdefault(token, Counter())[tag] += 1
    several = [counts for counts in tags_of.values() if len(counts) > 1]
    names = sum(count for counts in several for tag, count in counts.items() if tag != "O")
    total = sum(count for counts in tags_of.values() for tag, count in counts.items() if tag != "O")
    assert names / total > 0.3


def test_the_origin_is_the_running_python():
    assert stdlib_names.origin() == {"python": platform.python_version()}


def test_a_missing_table_of_modules_says_who_reads_it(tmp_path):
    with pytest.raises(
        UserError, match=r"x.yaml: no such file; data.source: stdlib_names reads the names of modules there"
    ):
        stdlib_names.read(tmp_path / "x.yaml")


@pytest.mark.parametrize("content", ["- re\n", "re", "text: re", "text: {re: 1}"])
def test_a_file_that_is_no_table_of_modules_is_refused(tmp_path, content):
    (tmp_path / "x.yaml").write_text(content)
    with pytest.raises(UserError, match=r"x.yaml: should hold topics, each with a list of module names"):
        stdlib_names.read(tmp_path / "x.yaml")
