import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.tasks.tagging.features import features, shape


@pytest.mark.parametrize(
    ("word", "expected"),
    [("McDonald's", "XxXx'x"), ("2024-05-01", "d-d-d"), ("USA", "X"), ("...", "."), ("日本", "x"), ("", "")],
)
def test_the_shape_of_a_word(word, expected):
    assert shape(word) == expected


@given(tokens=st.lists(st.text(min_size=1), max_size=8))
def test_each_token_has_features_and_none_twice(tokens):
    found = features(tokens)
    assert len(found) == len(tokens)
    assert all(len(names) == len(set(names)) for names in found)


@given(tokens=st.lists(st.text(alphabet="abC1-", min_size=1), min_size=8, max_size=8))
def test_features_reach_two_tokens_far(tokens):
    changed = [*tokens[:7], tokens[7] + "x"]
    assert features(changed)[:5] == features(tokens)[:5]
    assert features(changed)[5] != features(tokens)[5]


def test_features_by_hand():
    names = features(["The", "Rolling", "pre-2000"])[2]
    assert set(names) == {
        "bias", "word pre-2000", "shape x-d", "prefix p", "prefix pr", "prefix pre", "prefix pre-", "suffix 0",
        "suffix 00", "suffix 000", "suffix 2000", "with digit", "hyphen", "-2 the", "+2 \n\n",
        "-1,0 rolling pre-2000", "0,+1 pre-2000 \n", "-1 word rolling", "-1 shape Xx", "-1 suffix ing",
        "+1 word \n", "+1 shape \n", "+1 suffix \n",
    }  # fmt: skip
