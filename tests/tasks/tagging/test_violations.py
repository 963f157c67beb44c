import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.tasks.tagging.schemes import first_violation

spans = st.lists(st.tuples(st.sampled_from(["PER", "LOC", "a-b"]), st.integers(1, 4)) | st.none(), max_size=6)


@given(spans=spans)
def test_spans_that_were_written_as_tags_violate_nothing(spans):
    bio, bioes = [], []
    for span in spans:
        name, size = span or ("", 1)
        bio += ["O"] if span is None else [f"B-{name}"] + [f"I-{name}"] * (size - 1)
        inside = [f"B-{name}"] + [f"I-{name}"] * (size - 2) + [f"E-{name}"] if size > 1 else [f"S-{name}"]
        bioes += ["O"] if span is None else inside
    assert first_violation(bio) is None
    assert first_violation(bioes) is None


@pytest.mark.parametrize(
    ("tags", "place"),
    [
        ("I-X", 0),
        ("O I-X", 1),
        ("B-X I-Y", 1),
        ("B-X O I-X", 2),
        ("B-X I-X I-Y I-Y", 2),
        ("S-X I-X", 1),
        ("B-X E-X I-X", 2),
        ("O E-X", 1),
        ("B-X M-X L-X", None),
        ("U-X B-X L-X", None),
        ("B-X B-X I-X", None),
    ],
)
def test_the_first_violation_is_the_first_tag_that_continues_nothing(tags, place):
    assert first_violation(tags.split()) == place
