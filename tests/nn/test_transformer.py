import math

import pytest
import torch

from carousel.nn.transformer import TransformerEncoder, positions
from tests.nn.tiny_problems import learned, negation

SIZE, HEADS = 8, 2


def encoder(layers=2, dropout=0.0):
    torch.manual_seed(0)
    made = TransformerEncoder(SIZE, SIZE, layers=layers, heads=HEADS, dropout=dropout)
    for parameter in made.parameters():
        torch.nn.init.uniform_(parameter, -0.7, 0.7)
    return made


def twin(ours):
    """Return torch's own pre-norm encoder with the same weights."""
    layer = torch.nn.TransformerEncoderLayer(SIZE, HEADS, 4 * SIZE, dropout=0.0, batch_first=True, norm_first=True)
    torchs = torch.nn.TransformerEncoder(layer, 2, torch.nn.LayerNorm(SIZE), enable_nested_tensor=False)
    names = {
        "self_attn.in_proj_": "project.", "self_attn.out_proj.": "join.", "linear1.": "feed_forward.0.",
        "linear2.": "feed_forward.2.", "norm1.": "before_attention.", "norm2.": "before_feed_forward.",
    }  # fmt: skip
    state = {}
    for name in torchs.state_dict():
        other = name.replace("norm.", "normalize.") if name.startswith("norm.") else name
        for theirs, own in names.items():
            other = other.replace(theirs, own)
        state[name] = ours.state_dict()[other]
    torchs.load_state_dict(state)
    return torchs


def test_it_is_torchs_own_pre_norm_encoder():
    ours = encoder()
    lengths = torch.tensor([5, 2, 7])
    inputs = torch.randn(3, 7, SIZE)
    outside = torch.arange(7) >= lengths.unsqueeze(1)
    started = ours.project(inputs) + positions(7, SIZE)
    expected = twin(ours)(started, src_key_padding_mask=outside).masked_fill(outside.unsqueeze(-1), 0)
    torch.testing.assert_close(ours(inputs, lengths).outputs, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [8, 7])
def test_positions_are_the_papers_for_any_number_of_steps(size):
    found = positions(3000, size)
    assert found.shape == (3000, size)
    for step, feature in [(0, 0), (1, 0), (5, 3), (2999, 4), (2999, size - 1)]:
        angle = step / 10_000 ** (feature // 2 * 2 / size)
        assert found[step, feature].item() == pytest.approx(
            math.cos(angle) if feature % 2 else math.sin(angle), abs=1e-3
        )


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="3 heads do not divide a hidden size of 8"):
        TransformerEncoder(8, 8, layers=1, heads=3, dropout=0.0)


def test_only_training_is_random():
    encode, inputs, lengths = encoder(dropout=0.3), torch.randn(2, 5, SIZE), torch.tensor([5, 3])
    assert not torch.equal(encode(inputs, lengths).outputs, encode(inputs, lengths).outputs)
    encode.eval()
    assert torch.equal(encode(inputs, lengths).outputs, encode(inputs, lengths).outputs)


def test_it_learns_a_negation_far_away():
    _, accuracy = learned(negation, encoder="transformer", pooling="last", layers=2, rate=0.005, steps=100)
    assert accuracy > 0.95
