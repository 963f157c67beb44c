import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.corpus.labels import alike, shown

KINDS = {
    ("café", "cafe\u0301"): "the Unicode form (NFC and NFD)",
    ("pos", "Pos"): "case",
    ("STRASSE", "straße"): "case",
    ("pos", "pos\u200b"): "characters that cannot be seen",
    ("pos", "\ufeffpos"): "characters that cannot be seen",
    ("neu tral", "neu\u00a0tral"): "spaces",
    ("neu tral", "neu  tral"): "spaces",
    ("１", "1"): "characters that Unicode calls compatible",
    ("1", "1.0"): "how a number is written",
    ("0", "-0"): "how a number is written",
    ("1e5", "100000"): "how a number is written",
    ("Café", "cafe\u0301 "): "the Unicode form (NFC and NFD) and spaces and case",
}


@pytest.mark.parametrize("pair", KINDS)
def test_labels_that_look_alike_are_found_with_what_they_differ_in(pair):
    assert alike([*pair, "other"]) == [(sorted(pair), KINDS[pair])]


@pytest.mark.parametrize(
    "pair", [("pos", "neg"), ("1", "2"), ("a b", "ab"), ("1.0", "1.1"), ("e", "é"), ("NaN", "0")]
)
def test_different_labels_are_different(pair):
    assert alike(pair) == []


@given(labels=st.lists(st.text(max_size=4) | st.sampled_from(["a", "A", "ａ", "a\u200b", "1", "1.0"]), max_size=8))
def test_groups_have_two_labels_or_more_and_each_label_is_in_one_at_most(labels):
    groups = alike(labels)
    found = [label for group, _ in groups for label in group]
    assert len(set(found)) == len(found)
    assert set(found) <= set(labels)
    assert all(len(group) > 1 and difference for group, difference in groups)


def test_what_cannot_be_seen_is_shown():
    assert shown("café 1") == "'café 1'"
    assert shown("cafe\u0301") == r"'cafe\u0301'"
    assert shown("pos\u200b") == r"'pos\u200b'"
    assert shown("a\u00a0b") == r"'a\xa0b'"
