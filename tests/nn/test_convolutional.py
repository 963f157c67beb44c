import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.convolutional import WIDTHS, ConvolutionalEncoder

FEATURES, FILTERS = 3, 2


def encoder():
    torch.manual_seed(0)
    return ConvolutionalEncoder(FEATURES, FILTERS)


@given(length=st.integers(1, 8))
@settings(max_examples=8, deadline=None)
def test_an_output_is_each_filter_over_the_window_around_its_word(length):
    encode, document = encoder(), torch.randn(length, FEATURES)
    outputs = encode(document.unsqueeze(0), torch.tensor([length])).outputs[0]
    around = torch.cat([torch.zeros(2, FEATURES), document, torch.zeros(2, FEATURES)])
    for step in range(length):
        expected = []
        for width, filters in zip(WIDTHS, encode.filters, strict=True):
            first = step + 2 - (width - 1) // 2
            window = around[first : first + width]  # (width, F)
            expected.append((filters.weight * window.T).sum((1, 2)) + filters.bias)
        torch.testing.assert_close(outputs[step], torch.cat(expected).relu(), rtol=0, atol=1e-5)


def test_a_word_at_the_edge_counts():
    encode = encoder()
    one, other = torch.zeros(1, 6, FEATURES), torch.zeros(1, 6, FEATURES)
    other[0, [0, -1]] = torch.randn(2, FEATURES)
    changed = (encode(one, torch.tensor([6])).outputs != encode(other, torch.tensor([6])).outputs).any(-1)[0]
    assert changed[[0, 1, 4, 5]].all()
