import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.tasks.tagging.schemes import PREFIXES, convert, spans
from carousel.tasks.tagging.tags import Tags

types = st.sampled_from(["PER", "LOC", "a-b", "日本"])
prefixes = st.sampled_from("BIESLUM")
bio = st.lists(st.just("O") | st.builds("{}-{}".format, st.sampled_from("BI"), types), min_size=1, max_size=8)
any_scheme = st.lists(st.just("O") | st.builds("{}-{}".format, prefixes, types), min_size=1, max_size=8)
plain = st.lists(st.sampled_from(["NOUN", "VERB", "X"]), min_size=1, max_size=8)
schemes = st.sampled_from(sorted(PREFIXES))


@given(sentence=any_scheme, scheme=schemes)
def test_spans_survive_encoding_in_any_scheme(sentence, scheme):
    tags = Tags.of([sentence], [None], scheme)
    again = tags.decode(tags.encode(sentence))
    assert spans(again) == spans(sentence)
    assert again == convert(sentence, "bio")
    assert set(again) <= set(tags.written)


@given(sentence=plain, scheme=schemes)
def test_plain_tags_are_kept_as_they_are(sentence, scheme):
    tags = Tags.of([sentence], [None], scheme)
    assert tags.scheme is None
    assert tags.allowed() is None
    assert tags.decode(tags.encode(sentence)) == sentence
    assert tags.written == tags.tags == tuple(sorted(set(sentence)))


@given(sentences=st.lists(bio | plain, min_size=1, max_size=4), scheme=schemes)
def test_the_part_comes_back(sentences, scheme):
    tags = Tags.of(sentences, ["b", "a", None, "b"], scheme)
    assert Tags.from_text(tags.to_part().decode("utf-8")) == tags
    assert tags.intents == ("a", "b")


def test_a_scheme_has_all_of_its_tags_so_that_every_sentence_can_be_decoded():
    tags = Tags.of([["O", "I-X"]], [None], "iobes")
    assert tags.tags == ("O", "B-X", "I-X", "E-X", "S-X")
    assert tags.written == ("O", "B-X", "I-X")
    allowed = tags.allowed()
    assert not allowed.start[tags.tags.index("I-X")]
    assert not allowed.end[tags.tags.index("B-X")]


def test_a_tag_that_training_lacks_counts_as_the_first_one():
    assert Tags(("NOUN", "VERB")).encode(["VERB", "ADJ"]) == [1, 0]


GOOD = {"tags": ["O", "B-X", "I-X"], "scheme": "bio", "intents": []}


@pytest.mark.parametrize(
    "fields",
    [
        [],
        {},
        {**GOOD, "more": 1},
        {**GOOD, "tags": ["O", 1]},
        {**GOOD, "scheme": "iob9"},
        {**GOOD, "tags": ["O", "O"]},
        {**GOOD, "intents": [None]},
    ],
)
def test_another_part_is_refused(fields):
    assert Tags.from_text(json.dumps(GOOD)).scheme == "bio"
    with pytest.raises(ValueError, match=r"^(is|has) "):
        Tags.from_text(json.dumps(fields))
