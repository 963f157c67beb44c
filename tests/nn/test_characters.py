import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from carousel.nn.characters import BOUNDARY, BOUNDARY_ID, Characters, spell
from carousel.text.vocabulary import PADDING_ID, SPECIALS, UNKNOWN_ID

words = st.lists(st.text("abc今😀", min_size=1, max_size=5), min_size=1, max_size=8, unique=True)


def text_of(characters, alphabet):
    return "".join(alphabet[i] for i in characters if i != PADDING_ID)


@given(words=words, marked=st.booleans(), data=st.data())
def test_ids_become_the_characters_of_their_tokens_end_to_end(words, marked, data):
    tokens = [BOUNDARY + words[0], *words[1:]] if marked else words
    spelling, count = spell((*SPECIALS, *tokens))
    table = Characters(*spelling.shape)
    table.begin(spelling)
    chosen = data.draw(st.lists(st.integers(0, len(tokens) + 1), min_size=1, max_size=10))
    found = table(torch.tensor([chosen]))[0].tolist()
    alphabet = dict(enumerate([*sorted(set("".join(tokens)) - {BOUNDARY})], BOUNDARY_ID + 1))
    alphabet |= {UNKNOWN_ID: "?", BOUNDARY_ID: BOUNDARY}
    assert len(alphabet) + 1 == count
    spelled = {i: token if marked else BOUNDARY + token for i, token in enumerate(tokens, len(SPECIALS))}
    assert text_of(found, alphabet) == "".join({PADDING_ID: "", UNKNOWN_ID: "?", **spelled}[i] for i in chosen)
    padding = found.index(PADDING_ID) if PADDING_ID in found else len(found)
    assert not any(found[padding:])


@pytest.mark.parametrize("tokens", [(), ("a",)])
def test_a_vocabulary_may_be_small(tokens):
    spelling, _ = spell((*SPECIALS, *tokens))
    assert spelling.dtype == np.int32
    assert len(spelling) == len(SPECIALS) + len(tokens)
