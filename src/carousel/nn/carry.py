"""The state of a recurrent direction, handed on from one part of a document to the next."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

State = Tensor | tuple[Tensor, ...]  # as a cell of `nn.cells` takes and returns it: documents are dimension 1


@dataclass
class Carry:
    """A direction's state before some time steps, and after them, once a cell has read them.

    Attributes:
        before: None is a document's beginning.
        after: without a gradient; not set where nothing was read.
    """

    before: State | None = None
    after: State | None = None

    def split(self, sizes: Sequence[int]) -> list["Carry"]:
        """Return a carry for each group of so many documents."""
        spans = [slice(first, last) for first, last in itertools.pairwise(itertools.accumulate(sizes, initial=0))]
        return [Carry(of(self.before, span)) for span in spans]

    def join(self, groups: Sequence["Carry"]) -> None:
        """Take over what the groups of `split` know after they were read."""
        states = [group.after for group in groups if group.after is not None]
        self.after = _mapped(lambda *parts: torch.cat(parts, dim=1), *states)


def of(state: State | None, documents: slice | Tensor) -> State | None:
    """Return the state of some of the documents."""
    return None if state is None else _mapped(lambda tensor: tensor[:, documents], state)


def detached(state: State) -> State:
    """Return a state that no gradient passes through."""
    return _mapped(Tensor.detach, state)


def _mapped(function: Callable[..., Tensor], *states: State) -> State:
    if isinstance(states[0], tuple):
        return tuple(function(*tensors) for tensors in zip(*states, strict=True))
    return function(*states)
