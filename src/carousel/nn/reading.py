"""How a document is read, however long it is. A new way is a class and a line in `READINGS`.

Each makes of an encoder, which knows batches of padded documents, an `Encoding` of them. For a document that is too
long to be computed at once, each also gives the same outputs piece by piece.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from carousel.nn.carry import State, of
from carousel.nn.encoder import Embed, Encoder, Encoding, Outputs, at, padding
from carousel.nn.recurrent import RecurrentEncoder


class Reading(Protocol):
    """What every way of reading gives."""

    def read(self, encoder: Encoder, inputs: Tensor, lengths: Tensor) -> Encoding:
        """Encode a batch: word vectors (B, T, F) and lengths (B,), each from 1 to T."""

    def pieces(self, encoder: Encoder, embed: Embed, length: int, limit: int) -> Iterator[Tensor]:
        """Yield one document's outputs (1, S, C) in order, as `Encoder.pieces` does."""


class Full:
    """From the first word to the last, in one go."""

    def read(self, encoder: Encoder, inputs: Tensor, lengths: Tensor) -> Encoding:
        """As `Reading` says."""
        encoding: Encoding = encoder(inputs, lengths)
        return encoding

    def pieces(self, encoder: Encoder, embed: Embed, length: int, limit: int) -> Iterator[Tensor]:
        """As `Reading` says."""
        return encoder.pieces(embed, length, limit)


class Chunked:
    """Each `chunk` words on their own, beginning `chunk - overlap` words after the last; then pooled together.

    So a word sees at most `chunk` words, and chunks are computed side by side, whatever the document's length. In
    an overlap each word counts once: in its first half as the left chunk read it, in its second half as the right
    one did, so that no word counts as it was read at an edge.

    Args:
        chunk: words that are read together.
        overlap: of two neighbours, less than `chunk`.
    """

    def __init__(self, chunk: int, overlap: int) -> None:
        if overlap >= chunk:
            raise ValueError(f"chunks of {chunk} words cannot overlap by {overlap}")
        self.chunk, self.stride, self.margin = chunk, chunk - overlap, overlap // 2

    def read(self, encoder: Encoder, inputs: Tensor, lengths: Tensor) -> Encoding:
        """As `Reading` says."""
        steps = inputs.shape[1]
        if steps <= self.chunk:
            return Full().read(encoder, inputs, lengths)
        counts = self._counts(lengths)  # (B,)
        rows = torch.repeat_interleave(counts)  # of N chunks, the document that each is of
        before = counts.cumsum(0) - counts  # (B,), chunks of earlier documents
        starts = (torch.arange(len(rows), device=rows.device) - before[rows]) * self.stride  # (N,)
        words = starts.unsqueeze(1) + torch.arange(self.chunk, device=rows.device)  # (N, chunk)
        flat = rows.unsqueeze(1) * steps + words.clamp(max=steps - 1)
        taken = inputs.flatten(0, 1)[flat]  # (N, chunk, F)
        found = encoder(taken, (lengths[rows] - starts).clamp(max=self.chunk)).outputs  # (N, chunk, C)
        # Back to documents: of each word, the chunk that it counts in, and its place there
        places = torch.arange(steps, device=rows.device).expand(len(lengths), -1)  # (B, T)
        own = torch.minimum((places - self.margin).clamp(min=0) // self.stride, (counts - 1).unsqueeze(1))
        within = (places - own * self.stride).clamp(max=self.chunk - 1)
        outputs = found.flatten(0, 1)[(before.unsqueeze(1) + own) * self.chunk + within]  # (B, T, C)
        outputs = outputs.masked_fill(padding(inputs, lengths), 0)
        return Outputs(outputs, encoder.final(outputs[:, 0], at(outputs, lengths - 1)))

    def pieces(self, encoder: Encoder, embed: Embed, length: int, limit: int) -> Iterator[Tensor]:
        """As `Reading` says; a piece is as many chunks as have `limit` words, one at least."""
        count = int(self._counts(torch.tensor(length)))
        together = max(1, limit // self.chunk)
        for number in range(0, count, together):
            following = min(number + together, count)
            first, last = number * self.stride, min((following - 1) * self.stride + self.chunk, length)
            outputs = self.read(encoder, embed(first, last), torch.tensor([last - first])).outputs
            # The words that count in these chunks
            low = 0 if number == 0 else self.margin
            high = last - first if following == count else (following - number) * self.stride + self.margin
            yield outputs[:, low:high]

    def _counts(self, lengths: Tensor) -> Tensor:
        """Return the chunks of documents of these lengths: as few as reach the last word."""
        beyond = (lengths - self.chunk).clamp(min=0)
        return 1 + (beyond + self.stride - 1) // self.stride


class Stateful:
    """Segments of `chunk` words in order, the forward state of each going on in the next, without its gradient.

    Truncated backpropagation through time (Williams & Peng 1990): the forward direction knows the whole document so
    far, and learns within a segment. The backward direction reads each segment on its own, for it could not begin
    before the document's end was known.

    Args:
        chunk: words of a segment.
    """

    def __init__(self, chunk: int) -> None:
        self.chunk = chunk

    def read(self, encoder: Encoder, inputs: Tensor, lengths: Tensor) -> Encoding:
        """As `Reading` says."""
        rows = torch.arange(inputs.shape[0], device=lengths.device)
        states: Sequence[State | None] = [None] * len(_recurrent(encoder).layers)
        found = []
        for first in range(0, int(lengths.max()), self.chunk):
            going = lengths[rows] > first
            rows, states = rows[going], [of(state, going) for state in states]
            segment = inputs[rows, first : first + self.chunk]
            encoded = _recurrent(encoder)(segment, (lengths[rows] - first).clamp(max=self.chunk), before=states)
            everyone = encoded.outputs.new_zeros(inputs.shape[0], *encoded.outputs.shape[1:])
            found.append(everyone.index_copy(0, rows, encoded.outputs))
            states = encoded.after or ()
        outputs = torch.cat(found, dim=1)  # (B, T, C), but for time steps that are padding in every document
        outputs = nn.functional.pad(outputs, (0, 0, 0, inputs.shape[1] - outputs.shape[1]))
        return Outputs(outputs, encoder.final(outputs[:, 0], at(outputs, lengths - 1)))

    def pieces(self, encoder: Encoder, embed: Embed, length: int, _limit: int) -> Iterator[Tensor]:
        """As `Reading` says; a piece is a segment."""
        states: Sequence[State | None] = [None] * len(_recurrent(encoder).layers)
        for first in range(0, length, self.chunk):
            last = min(first + self.chunk, length)
            encoded = _recurrent(encoder)(embed(first, last), torch.tensor([last - first]), before=states)
            yield encoded.outputs
            states = encoded.after or ()


def _recurrent(encoder: Encoder) -> RecurrentEncoder:
    if not isinstance(encoder, RecurrentEncoder):
        raise ValueError(f"{type(encoder).__name__} has no state to carry on: only a recurrent encoder has")
    return encoder


READINGS: dict[str, Callable[[int, int], Reading]] = {
    "full": lambda _chunk, _overlap: Full(),
    "chunked": Chunked,
    "stateful": lambda chunk, _overlap: Stateful(chunk),
}
