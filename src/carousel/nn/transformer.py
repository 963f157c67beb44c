"""A small transformer encoder (Vaswani et al. 2017)."""

import math

import torch
from torch import Tensor, nn

from carousel.nn.encoder import Encoder, Outputs, at, padding

WIDER = 4  # times, that the feed-forward layer is; as in the paper


class TransformerEncoder(Encoder):
    """Layers of self-attention over all of a document's words, with sinusoidal positions.

    Each layer normalizes before it adds (Xiong et al. 2020, "On layer normalization", figure 1 b), which trains
    without a long warm-up; a last normalization follows the last layer. Time grows with the square of a document's
    length, so long documents are better read in chunks.

    Args:
        input_size: F, the features of a word.
        hidden_size: C, the width of every layer.
        layers: one on the other.
        heads: of attention; they divide `hidden_size`.
        dropout: probability, on what each half of a layer adds.
    """

    def __init__(self, input_size: int, hidden_size: int, *, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        if hidden_size % heads:
            raise ValueError(f"{heads} heads do not divide a hidden size of {hidden_size}")
        self.project = nn.Linear(input_size, hidden_size)
        self.layers = nn.ModuleList(Layer(hidden_size, heads, dropout) for _ in range(layers))
        self.normalize = nn.LayerNorm(hidden_size)
        self.output_size = hidden_size

    def forward(self, inputs: Tensor, lengths: Tensor) -> Outputs:
        """Encode a batch, as `Encoder` says; final is the output at the last word."""
        outside = padding(inputs, lengths)  # (B, T, 1)
        states = self.project(inputs.masked_fill(outside, 0))  # (B, T, C)
        states = states + positions(states.shape[1], self.output_size).to(states)
        for layer in self.layers:
            states = layer(states, ~outside)
        outputs = self.normalize(states).masked_fill(outside, 0)
        return Outputs(outputs, at(outputs, lengths - 1))


class Layer(nn.Module):
    """One layer: each word looks at all words, then thinks for itself.

    Args:
        size: C.
        heads: of attention.
        dropout: probability, on what each half adds.
    """

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_feed_forward = nn.LayerNorm(size), nn.LayerNorm(size)
        self.project = nn.Linear(size, 3 * size)
        self.join = nn.Linear(size, size)
        self.feed_forward = nn.Sequential(nn.Linear(size, WIDER * size), nn.ReLU(), nn.Linear(WIDER * size, size))
        self.dropout = nn.Dropout(dropout)
        for weights in (*self.project.weight.chunk(3), self.join.weight):
            nn.init.xavier_uniform_(weights)

    def forward(self, states: Tensor, inside: Tensor) -> Tensor:
        """Return the next states (B, T, C).

        Args:
            states: (B, T, C).
            inside: which time steps (B, T, 1) are words.
        """
        states = states + self.dropout(self._attention(self.before_attention(states), inside))
        added: Tensor = self.dropout(self.feed_forward(self.before_feed_forward(states)))
        return states + added

    def _attention(self, states: Tensor, inside: Tensor) -> Tensor:
        """Equation 1 of the paper, in each head: softmax(Q Kᵀ / √d) V, the keys at padding left out."""
        queries, keys, values = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, T, d)
            for part in self.project(states).chunk(3, dim=-1)
        )
        mask = inside.transpose(1, 2).unsqueeze(1)  # (B, 1, 1, T)
        heads = nn.functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        joined: Tensor = self.join(heads.transpose(1, 2).flatten(2))  # (B, T, C)
        return joined


def positions(steps: int, size: int) -> Tensor:
    """Return the paper's sinusoidal position vectors (steps, size), section 3.5, for any number of steps."""
    frequencies = torch.exp(torch.arange(0, size, 2) * (-math.log(10_000.0) / size))  # (size / 2, rounded up)
    angles = torch.arange(steps).unsqueeze(1) * frequencies  # (T, size / 2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :size]
