"""The convolutional encoder of Kim (2014)."""

import torch
from torch import Tensor, nn

from carousel.nn.encoder import Encoder, Outputs, at, padding

WIDTHS = (3, 4, 5)


class ConvolutionalEncoder(Encoder):
    """Filters over windows of three, four and five words (Kim 2014, equation 2), with ReLU as in his experiments.

    Kim takes the largest value of each filter, which is `max` pooling. Each word has a window of each width around
    it, the even one reaching further to the right, and outside the document are zeros: a word at the edge counts,
    and so does a document shorter than a filter.

    Args:
        input_size: F, the features of a word.
        hidden_size: filters of each width; C is three times as many.
    """

    reach = max(WIDTHS) // 2

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.filters = nn.ModuleList(
            nn.Conv1d(input_size, hidden_size, width, padding=width // 2) for width in WIDTHS
        )
        self.output_size = hidden_size * len(WIDTHS)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Outputs:
        """Encode a batch, as `Encoder` says; final is the output at the last word."""
        outside = padding(inputs, lengths)
        words = inputs.masked_fill(outside, 0).transpose(1, 2)  # (B, F, T)
        # An even filter has one window more than there are words: the first, which would begin two words before
        found = [filters(words)[:, :, 1 - width % 2 :] for width, filters in zip(WIDTHS, self.filters, strict=True)]
        outputs = torch.cat(found, dim=1).relu().transpose(1, 2).masked_fill(outside, 0)  # (B, T, C)
        return Outputs(outputs, at(outputs, lengths - 1))
