"""How weights begin: those of a recurrent cell, and those of a model whose weights are loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from typing_extensions import override

# Rows of a cell's weights are its gates, one after the other; which of them forgets
FORGET_GATE = 1  # torch's order is input, forget, cell, output


@torch.no_grad()
def initialise(cell: nn.Module, *, orthogonal: bool, xavier: bool, forget_bias: float) -> None:
    """Set a cell's weights, gate by gate; what is turned off keeps torch's own, uniform in ±1/√H.

    Args:
        cell: one of `nn.cells.CELLS`; a reservoir has no parameters and stays as it is.
        orthogonal: recurrent weights that keep a gradient's length (Saxe et al. 2014).
        xavier: input weights that keep an input's variance (Glorot & Bengio 2010).
        forget_bias: the forget gate's bias (Jozefowicz et al. 2015 recommend 1), with every other bias 0; at 0,
            biases keep torch's own.
    """
    hidden_size: int = cell.hidden_size  # type: ignore[assignment]
    forget_gate = FORGET_GATE if isinstance(cell, nn.LSTM) else getattr(cell, "forget_gate", None)
    for name, parameter in cell.named_parameters():
        gates = torch.split(parameter, hidden_size)
        if "weight_hh" in name and orthogonal:
            for gate in gates:
                nn.init.orthogonal_(gate)
        elif "weight_ih" in name and xavier:
            for gate in gates:
                nn.init.xavier_uniform_(gate)
        elif "bias" in name and forget_bias:
            parameter.zero_()
            if forget_gate is not None and "bias_ih" in name:  # torch adds two biases
                gates[forget_gate].fill_(forget_bias)


@contextmanager
def without_values() -> Iterator[None]:
    """Make modules whose weights have shapes and no values: they are about to be loaded."""
    with torch.device("meta"), _NoNormal():
        yield


class _NoNormal(TorchFunctionMode):
    """Leaves out `nn.init.normal_`, for which torch imports its compiler where there are no values: seconds."""

    @override
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        return given["tensor"] if func is nn.init.normal_ else func(*args, **given)
