from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.params import Encode
from carousel.text.cut import TRUNCATIONS, cut, kept

documents = st.integers(0, 40).map(lambda count: [str(i) for i in range(count)])


@given(tokens=documents, max_length=st.integers(1, 20), truncation=st.sampled_from(TRUNCATIONS))
def test_a_short_document_is_whole_and_a_longer_one_keeps_as_much_as_it_may(tokens, max_length, truncation):
    found = cut(tokens, max_length, truncation)
    if truncation == "none" or len(tokens) <= max_length:
        assert found == tokens
    else:
        assert len(found) == max_length
        assert found == sorted(set(found), key=int)
        assert found[0] == tokens[0]


def test_head_and_tail_by_hand():
    tokens = list("abcdefghij")
    assert cut(tokens, 8, "head") == list("abcdefgh")
    assert cut(tokens, 8, "head_tail") == list("abefghij")
    assert cut(tokens, 1, "head_tail") == cut(tokens, 1, "head") == list("a")  # a quarter is one at least
    assert kept(512, "head_tail") == (128, 384)


def test_no_other_way_is_known():
    with pytest.raises(ValueError, match=r"^truncation is 'tail', where only head, head_tail, none are known$"):
        kept(8, "tail")
    assert set(TRUNCATIONS) == set(get_args(Encode.model_fields["truncation"].annotation))
