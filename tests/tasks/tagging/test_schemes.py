import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from carousel.nn.crf import CRF, Allowed
from carousel.tasks.tagging.schemes import Span, all_tags, allowed, convert, is_spans, spans, write

TYPES = ("PER", "LOC", "creative-work")
ANY_TAGS = st.lists(st.sampled_from(all_tags(TYPES, "iobes")), max_size=12)  # mostly invalid
SCHEMES = st.sampled_from(["bio", "iobes"])


@st.composite
def sentences(draw):
    """Spans that do not overlap, in order, and the number of tokens."""
    found, end = [], 0
    for gap, length, type_ in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(TYPES)), max_size=5)
    ):
        found.append(Span(end + gap, end + gap + length, type_))
        end += gap + length
    return found, end + draw(st.integers(0, 2))


def permits(mask, tags, sentence):
    """Return whether masks permit the tags of a sentence."""
    places = [tags.index(tag) for tag in sentence]
    pairs = all(mask.transitions[one, other] for one, other in itertools.pairwise(places))
    return not places or bool(pairs and mask.start[places[0]] and mask.end[places[-1]])


# Reading


@given(tags=ANY_TAGS)
def test_spans_are_those_of_seqeval_also_of_invalid_tags(tags):
    assert [(span.type, span.start, span.end - 1) for span in spans(tags)] == get_entities(tags)


@given(sentence=sentences(), scheme=SCHEMES)
def test_spans_that_are_written_are_read(sentence, scheme):
    found, length = sentence
    tags = write(found, length, scheme)
    assert len(tags) == length
    assert spans(tags) == found


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O I-A I-A", [(1, 3, "A")]),  # I- after O
        ("B-A I-B", [(0, 1, "A"), (1, 2, "B")]),  # I- after another type
        ("I-A I-A B-A", [(0, 2, "A"), (2, 3, "A")]),  # IOB1
        ("S-A B-A E-A E-A", [(0, 1, "A"), (1, 3, "A"), (3, 4, "A")]),
        ("B-a-b I-a-b O", [(0, 2, "a-b")]),
        ("", []),
    ],
)
def test_the_rule_of_conlleval_by_hand(tags, expected):
    assert spans(tags.split()) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["O"], True),
        (["O", "B-PER", "I-PER"], True),
        (["I-PER", "O"], True),
        (["S-x", "E-x", "B-creative-work"], True),
        (["NOUN", "VERB"], False),
        (["O", "B-PER", "NOUN"], False),
        (["B-"], False),
        (["b-PER"], False),
        (["B"], False),
        ([], False),
    ],
)
def test_tags_of_spans_are_recognized(tags, expected):
    assert is_spans(tags) is expected


# Conversion


@given(sentence=sentences())
def test_bio_to_iobes_and_back_is_the_identity(sentence):
    bio = write(*sentence, "bio")
    iobes = convert(bio, "iobes")
    assert convert(iobes, "bio") == bio
    assert convert(convert(iobes, "bio"), "iobes") == iobes


@given(tags=ANY_TAGS, scheme=SCHEMES)
def test_conversion_keeps_spans_and_is_idempotent(tags, scheme):
    converted = convert(tags, scheme)
    assert spans(converted) == spans(tags)
    assert convert(converted, scheme) == converted


def test_iob1_becomes_bio():
    assert convert(["I-A", "I-A", "B-A", "O", "I-B"], "bio") == ["B-A", "I-A", "B-A", "O", "B-B"]


# Masks


@given(tags=ANY_TAGS, scheme=SCHEMES)
def test_masks_permit_exactly_the_tags_that_conversion_leaves_alone(tags, scheme):
    every = all_tags(TYPES, scheme)
    tags = [tag for tag in tags if tag in every]
    assert permits(allowed(every, scheme), every, tags) == (convert(tags, scheme) == tags)


@given(seed=st.integers(0, 1000), scheme=SCHEMES)
@settings(deadline=None, max_examples=30)
def test_viterbi_with_masks_returns_valid_tags(seed, scheme):
    every = all_tags(TYPES, scheme)
    random = torch.Generator().manual_seed(seed)
    crf = CRF(len(every))
    with torch.no_grad():
        crf.transitions.copy_(torch.randn(len(every), len(every), generator=random))
    lengths = torch.tensor([7, 4, 1])
    paths, best = crf.decode(
        torch.randn(3, 7, len(every), generator=random), lengths, Allowed.of(allowed(every, scheme))
    )
    assert best.isfinite().all()
    for path, length in zip(paths.tolist(), lengths.tolist(), strict=True):
        tags = [every[i] for i in path[:length]]
        assert convert(tags, scheme) == tags


def test_tags_may_be_in_any_order_and_incomplete():
    mask = allowed(["I-A", "O", "B-B"], "bio")
    assert mask.start.tolist() == [False, True, True]
    assert mask.transitions.tolist() == [[True, True, True], [False, True, True], [False, True, True]]
    assert mask.end.tolist() == [True, True, True]


@pytest.mark.parametrize(
    ("tags", "scheme", "message"),
    [
        (["O", "E-A"], "bio", "'E-A' is not a tag of the scheme bio"),
        (["O", "NOUN"], "iobes", "'NOUN' is not"),
        (["O", "B-"], "bio", "'B-' is not"),
        (["O", "BI-A"], "bio", "'BI-A' is not"),
        (["B-A", "E-A"], "iobes", "no tag among"),
    ],
)
def test_tags_that_a_scheme_lacks_are_refused(tags, scheme, message):
    with pytest.raises(ValueError, match=message):
        allowed(tags, scheme)
