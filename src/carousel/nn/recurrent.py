"""Recurrent encoding of padded batches, equal to PackedSequence without packing.

Shapes: B documents, T time steps, F features, H hidden units, D directions.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

CELLS: dict[str, type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Encoded(NamedTuple):
    """What an encoder makes of a batch: outputs (B, T, D * H), zero at padding, and final states (B, D * H)."""

    outputs: Tensor
    final: Tensor


class RecurrentEncoder(nn.Module):
    """Layers of recurrent cells over documents of different lengths.

    The backward direction reads each document reversed by its own length, so padding always comes last, where
    no state that is used has seen it. Outputs, and the last layer's final states, equal those of `nn.LSTM` (or
    `nn.GRU`, `nn.RNN`) over a PackedSequence.

    Args:
        cell: a key of `CELLS`.
        input_size: F, the features of a time step.
        hidden_size: H, of one direction.
        layers: how many, one on the other.
        bidirectional: D is 2, else 1.
        dropout: probability, on the input of every layer but the first.
    """

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        *,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        sizes = [input_size] + [hidden_size * directions] * (layers - 1)
        self.layers = nn.ModuleList(
            nn.ModuleList(CELLS[cell](size, hidden_size, batch_first=True) for _ in range(directions))
            for size in sizes
        )
        self.dropout = nn.Dropout(dropout)
        self.hidden_size = hidden_size
        self.output_size = hidden_size * directions
        for parameter_name, parameter in self.named_parameters():
            _initialise(parameter_name, parameter, cell)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Encoded:
        """Encode a batch.

        Args:
            inputs: (B, T, F).
            lengths: (B,), each from 1 to T.
        """
        steps = torch.arange(inputs.shape[1], device=inputs.device)  # (T,)
        last = lengths.unsqueeze(1) - 1  # (B, 1)
        inside = steps <= last  # (B, T)
        reverse = torch.where(inside, last - steps, steps)  # (B, T)
        outputs = inputs
        for number, layer in enumerate(self.layers):
            if number:
                outputs = self.dropout(outputs)
            forward, *backward = layer.children()
            read = [forward(outputs)[0]]  # (B, T, H)
            for cell in backward:
                states = cell(_reorder(outputs, reverse))[0]  # (B, T, H)
                read.append(_reorder(states, reverse))
            outputs = torch.cat(read, dim=-1)  # (B, T, D * H)
        outputs = outputs * inside.unsqueeze(-1)
        # The forward direction ends at the last word, the backward one at the first
        at_last = _reorder(outputs, last)[:, 0, : self.hidden_size]  # (B, H)
        at_first = outputs[:, 0, self.hidden_size :]  # (B, (D - 1) * H)
        final = torch.cat([at_last, at_first], dim=-1)  # (B, D * H)
        return Encoded(outputs, final)


def _reorder(sequence: Tensor, order: Tensor) -> Tensor:
    """Take time steps `order` (B, S) of `sequence` (B, T, F), giving (B, S, F)."""
    return sequence.gather(1, order.unsqueeze(-1).expand(-1, -1, sequence.shape[-1]))


@torch.no_grad()
def _initialise(name: str, parameter: Tensor, cell: str) -> None:
    """Orthogonal recurrent weights (Saxe et al. 2014) by gate, Xavier input weights, forget-gate bias 1
    (Jozefowicz et al. 2015).
    """
    hidden = parameter.shape[0] // {"lstm": 4, "gru": 3, "rnn": 1}[cell]
    if "weight_hh" in name:
        for gate in torch.split(parameter, hidden):
            nn.init.orthogonal_(gate)
    elif "weight_ih" in name:
        for gate in torch.split(parameter, hidden):
            nn.init.xavier_uniform_(gate)
    else:
        parameter.zero_()
        if cell == "lstm" and "bias_ih" in name:  # torch adds two biases and orders gates i, f, g, o
            parameter[hidden : 2 * hidden] = 1.0
