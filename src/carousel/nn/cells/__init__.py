"""Recurrent cells, one layer and one direction each. A new cell is a file here and a line in `CELLS`.

Every cell has the interface of torch's own `nn.GRU` with `batch_first=True`: it is made from an input size F and
a hidden size H, and called with inputs (B, T, F) and, optionally, the state that an earlier call returned; it gives
outputs (B, T, H) and its state after the last time step. So a cell that is called step by step, with its own
state handed back to it, gives what it gives over the whole sequence at once.
"""

from torch import nn

from carousel.nn.cells.reference import ReferenceGRU, ReferenceLSTM
from carousel.nn.cells.reservoir import EchoState
from carousel.nn.cells.scanned import QRNN, MinGRU, MinLSTM

CELLS: dict[str, type[nn.Module]] = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "rnn": nn.RNN,
    "min_gru": MinGRU,
    "min_lstm": MinLSTM,
    "qrnn": QRNN,
    "esn": EchoState,
    "reference_lstm": ReferenceLSTM,
    "reference_gru": ReferenceGRU,
}
