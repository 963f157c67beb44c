"""Recurrent encoding of padded batches, equal to PackedSequence without packing.

Shapes: B documents, T time steps, F features, H hidden units, D directions, L layers.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from carousel.nn.carry import Carry, State, detached
from carousel.nn.cells import CELLS
from carousel.nn.cells.reservoir import EchoState
from carousel.nn.encoder import Embed, Encoder
from carousel.nn.initialisation import initialise
from carousel.nn.side_by_side import Job, divisible, side_by_side

# Documents that one core reads at a time: few enough for the states and gates of a time step to stay in its
# cache beside the weights, enough for matrix products to pay (docs/performance.md has the measurements)
ROWS = 32


class EncoderOutput(NamedTuple):
    """What an encoder makes of a batch.

    Attributes:
        outputs: the last layer's h at each time step, (B, T, D * H), zero at padding.
        hidden: h after each document's last time step, (L * D, B, H), in the order of `nn.LSTM`'s h_n.
        cell: an LSTM's c there, (L * D, B, H), if it was asked for.
        after: each layer's forward state after the batch's last time step, if states were handed in.
    """

    outputs: Tensor
    hidden: Tensor
    cell: Tensor | None = None
    after: tuple[State | None, ...] | None = None

    @property
    def final(self) -> Tensor:
        """The last layer's hidden states, its directions side by side: (B, D * H)."""
        directions = self.outputs.shape[-1] // self.hidden.shape[-1]
        return self.hidden[-directions:].transpose(0, 1).flatten(1)


class RecurrentEncoder(Encoder):
    """Layers of recurrent cells over documents of different lengths.

    The backward direction reads each document reversed by its own length, so padding always comes last, where
    no state that is used has seen it. Outputs and final states equal those of `nn.LSTM` (or `nn.GRU`, `nn.RNN`)
    over a PackedSequence.

    Args:
        cell: a key of `nn.cells.CELLS`.
        input_size: F, the features of a time step.
        hidden_size: H, of one direction.
        layers: L, one on the other.
        bidirectional: D is 2, else 1.
        dropout: probability, on the input of every layer but the first.
        orthogonal: begin with orthogonal recurrent weights; this and the next two as in `initialise`.
        xavier: begin with Xavier input weights.
        forget_bias: begin with this bias of forget gates.
        spectral_radius: of an echo state network's reservoir.
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
        orthogonal: bool = True,
        xavier: bool = True,
        forget_bias: float = 1.0,
        spectral_radius: float = 0.9,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        sizes = [input_size] + [hidden_size * directions] * (layers - 1)
        make = partial(CELLS[cell], batch_first=True)
        if CELLS[cell] is EchoState:
            make = partial(make, spectral_radius=spectral_radius)
        self.layers = nn.ModuleList(
            nn.ModuleList(make(size, hidden_size) for _ in range(directions)) for size in sizes
        )
        self.dropout = nn.Dropout(dropout)
        self.hidden_size = hidden_size
        self.output_size = hidden_size * directions
        for layer in self.layers:
            for direction in layer.children():
                initialise(direction, orthogonal=orthogonal, xavier=xavier, forget_bias=forget_bias)

    def final(self, first: Tensor, last: Tensor) -> Tensor:
        """The forward direction ends at the last word, the backward one at the first."""
        return torch.cat([last[:, : self.hidden_size], first[:, self.hidden_size :]], dim=-1)

    def pieces(self, embed: Embed, length: int, limit: int) -> Iterator[Tensor]:
        """Yield one document's outputs as `Encoder` says.

        First every direction of every layer runs over the document for its states at the pieces' edges alone; from
        those, any piece can be computed at any time.
        """
        spans = [(first, min(first + limit, length)) for first in range(0, length, limit)]
        known: list[
            list[dict[int, State | None]]
        ] = []  # by layer and direction, the state that a piece begins with

        def outputs(number: int, layers: int) -> Tensor:
            found = embed(*spans[number])
            for layer, directions in zip(list(self.layers)[:layers], known, strict=False):
                both = zip(layer.children(), directions, (False, True), strict=False)
                found = torch.cat([_on(cell, found, states[number], back)[0] for cell, states, back in both], -1)
            return found

        for depth, layer in enumerate(self.layers):
            edges: list[dict[int, State | None]] = []
            for cell, back in zip(layer.children(), (False, True), strict=False):
                states: dict[int, State | None] = {}
                state = None
                for number in reversed(range(len(spans))) if back else range(len(spans)):
                    states[number] = state
                    _, state = _on(cell, outputs(number, depth), state, back)
                edges.append(states)
            known.append(edges)
        for number in range(len(spans)):
            yield outputs(number, len(self.layers))

    def forward(
        self,
        inputs: Tensor,
        lengths: Tensor,
        *,
        cell_states: bool = False,
        before: Sequence[State | None] | None = None,
    ) -> EncoderOutput:
        """Encode a batch.

        Args:
            inputs: (B, T, F).
            lengths: (B,), each from 1 to T.
            cell_states: also return an LSTM's final c, at the cost of a second pass.
            before: of each layer, the state that its forward direction begins with, as an earlier call gave it in
                `after` for documents that were longer than its batch; None is a document's beginning.
        """
        steps = torch.arange(inputs.shape[1], device=inputs.device)  # (T,)
        last = lengths.unsqueeze(1) - 1  # (B, 1)
        padding = steps > last  # (B, T)
        backward = torch.where(padding, steps, last - steps)  # (B, T)
        outputs, hidden, cell = inputs, [], []
        carries = None if before is None else [Carry(state) for state in before]
        for number, layer in enumerate(self.layers):
            if number:
                outputs = self.dropout(outputs)
            cells = list(layer.children())
            if cell_states:
                cell += side_by_side(
                    [
                        Job(partial(_final_cell, direction, padding, order), outputs, tuple(direction.parameters()))
                        for direction, order in zip(cells, (None, backward), strict=False)
                    ]
                )
            outputs = _read(
                cells, outputs, padding, backward, carries[number] if carries else None
            )  # (B, T, D * H)
            # The forward direction ends at the last word, the backward one at the first
            at_last = _reorder(outputs, last)[:, 0, : self.hidden_size]  # (B, H)
            hidden += [at_last, outputs[:, 0, self.hidden_size :]][: len(cells)]
        after = tuple(carry.after for carry in carries) if carries else None
        return EncoderOutput(outputs, torch.stack(hidden), torch.stack(cell) if cell_states else None, after)


def _read(cells: list[nn.Module], inputs: Tensor, padding: Tensor, backward: Tensor, carry: Carry | None) -> Tensor:
    """Return one layer's outputs (B, T, D * H); each direction of every `ROWS` documents is a job of its own."""
    parts = [(inputs, padding, backward)]
    if divisible(inputs):
        parts = [_trim(*part) for part in zip(*[torch.split(tensor, ROWS) for tensor in parts[0]], strict=True)]
    carries = carry.split([len(read) for read, _, _ in parts]) if carry else [None] * len(parts)
    jobs = [
        Job(
            partial(_states, cell, outside, *((order, None) if reverse else (None, own))),
            read,
            tuple(cell.parameters()),
        )
        for cell, reverse in zip(cells, (False, True), strict=False)
        for (read, outside, order), own in zip(parts, carries, strict=True)
    ]
    states = side_by_side(jobs)
    if carry:
        carry.join([own for own in carries if own])
    if divisible(inputs):
        states = [_widen(found, inputs.shape[1]) for found in states]
    directions = [
        torch.cat(states[first : first + len(parts)]) for first in range(0, len(states), len(parts))
    ]  # each (B, T, H)
    return torch.cat(directions, dim=-1)


def _trim(inputs: Tensor, padding: Tensor, backward: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Leave out the time steps at the end that are padding in all of these documents."""
    longest = int(inputs.shape[1] - padding.sum(1).min())
    return inputs[:, :longest], padding[:, :longest], backward[:, :longest]


def _widen(states: Tensor, steps: int) -> Tensor:
    """Put the time steps back that `_trim` left out."""
    missing = steps - states.shape[1]
    return nn.functional.pad(states, (0, 0, 0, missing)) if missing else states


def _states(cell: nn.Module, padding: Tensor, order: Tensor | None, carry: Carry | None, inputs: Tensor) -> Tensor:
    """Return one direction's outputs (B, T, H) in the order of the inputs, zero at padding."""
    if order is not None:
        states: Tensor = _reorder(cell(_reorder(inputs, order))[0], order)
    elif carry is None:
        states = cell(inputs)[0]
    else:
        states, after = cell(inputs, carry.before)
        carry.after = detached(after)
    # A product with 0 and 1 is a sixth of masked_fill's time; states are finite at padding, too
    return states * padding.logical_not().unsqueeze(-1).to(states.dtype)


def _on(cell: nn.Module, inputs: Tensor, state: State | None, back: bool) -> tuple[Tensor, State]:
    """Let one direction read on from a state: return its outputs (1, S, H), in the inputs' order, and its state."""
    outputs, after = cell(inputs.flip(1) if back else inputs, state)
    return (outputs.flip(1) if back else outputs), after


def _final_cell(cell: nn.Module, padding: Tensor, order: Tensor | None, inputs: Tensor) -> Tensor:
    """Return an LSTM's c after each document's last time step, (B, H).

    A further input feature, 1 at padding, closes the input gate and opens the forget gate there so wide that
    neither is off by the last bit: c stays what it was until the batch ends.
    """
    if not isinstance(cell, nn.LSTM):
        raise ValueError(f"{type(cell).__name__} has no cell state: only an LSTM has")
    if order is not None:
        inputs = _reorder(inputs, order)
    inputs = inputs.masked_fill(padding.unsqueeze(-1), 0)  # or a large one could outweigh the gates
    flagged = torch.cat([inputs, padding.unsqueeze(-1).to(inputs.dtype)], dim=-1)  # (B, T, F + 1)
    gates = inputs.new_tensor([-1e4, 1e4, 0.0, 0.0]).repeat_interleave(cell.hidden_size)  # torch's i, f, g, o
    zeros = inputs.new_zeros(1, inputs.shape[0], cell.hidden_size)
    weights: list[Tensor] = list(cell.parameters())
    weights[0] = torch.cat([weights[0], gates.unsqueeze(1)], dim=1)  # (4 * H, F + 1)
    _, _, c = torch.lstm(flagged, (zeros, zeros), weights, True, 1, 0.0, False, False, True)
    return c[0]


def _reorder(sequence: Tensor, order: Tensor) -> Tensor:
    """Take time steps `order` (B, S) of `sequence` (B, T, F), giving (B, S, F)."""
    # As rows of one long matrix: a gather would look up every feature by itself, at six times the cost
    first = torch.arange(sequence.shape[0], device=order.device).unsqueeze(1) * sequence.shape[1]  # (B, 1)
    rows = sequence.flatten(0, 1).index_select(0, (first + order).flatten())  # (B * S, F)
    return rows.reshape(*order.shape, -1)
