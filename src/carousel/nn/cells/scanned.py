"""Cells whose gates see the input alone, so that all time steps are computed at once, by a scan."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carousel.nn.cells.scan import linear_recurrence

EPS = 1e-12  # added to gates whose sum divides, so that it and its gradients are finite where all are shut


class _InputGated(nn.Module):
    """Weights of gates over the input; `features` and `gates` are multiples of F and H.

    Args:
        input_size: F.
        hidden_size: H.
        batch_first: true, as for every cell here.
    """

    gates: int
    features = 1

    def __init__(self, input_size: int, hidden_size: int, *, batch_first: bool = True) -> None:
        super().__init__()
        if not batch_first:
            raise ValueError("inputs are (B, T, F): batch_first is true")
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(torch.empty(self.gates * hidden_size, self.features * input_size))
        self.bias_ih = nn.Parameter(torch.empty(self.gates * hidden_size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)  # as torch's own cells

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return each gate before its nonlinearity, (B, T, H), of inputs (B, T, features * F)."""
        return F.linear(inputs, self.weight_ih, self.bias_ih).chunk(self.gates, dim=-1)

    def before(self, inputs: Tensor, state: Tensor | None) -> Tensor:
        """Return the state (B, H) that the first time step sees."""
        return inputs.new_zeros(inputs.shape[0], self.hidden_size) if state is None else state[0]


class MinGRU(_InputGated):
    """Minimal GRU (Feng et al. 2024, "Were RNNs All We Needed?", section 3.1).

    For x_t (F,) and h_t (H,):

        z_t = σ(W_z x_t + b_z)
        n_t = W_n x_t + b_n
        h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ n_t
    """

    gates = 2

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return outputs (B, T, H) and the last h (1, B, H) of inputs (B, T, F)."""
        z, n = self.project(inputs)
        z = torch.sigmoid(z)
        h = linear_recurrence(1 - z, z * n, self.before(inputs, state))
        return h, h[:, -1].unsqueeze(0)


class MinLSTM(_InputGated):
    """Minimal LSTM (Feng et al. 2024, section 3.2), its two gates scaled to sum to one.

    For x_t (F,) and h_t (H,):

        f_t = σ(W_f x_t + b_f)
        i_t = σ(W_i x_t + b_i)
        g_t = W_g x_t + b_g
        h_t = (f_t ⊙ h_{t-1} + i_t ⊙ g_t) / (f_t + i_t)
    """

    gates = 3
    forget_gate = 0

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return outputs (B, T, H) and the last h (1, B, H) of inputs (B, T, F)."""
        f, i, g = self.project(inputs)
        f, i = torch.sigmoid(f) + EPS, torch.sigmoid(i) + EPS
        f = f / (f + i)
        h = linear_recurrence(f, (1 - f) * g, self.before(inputs, state))
        return h, h[:, -1].unsqueeze(0)


class QRNN(_InputGated):
    """Quasi-recurrent network (Bradbury et al. 2017) with fo-pooling over windows of two time steps.

    For x_t (F,), c_t and h_t (H,), and brackets that put vectors side by side:

        g_t = tanh(W_g [x_{t-1}, x_t] + b_g)
        f_t = σ(W_f [x_{t-1}, x_t] + b_f)
        o_t = σ(W_o [x_{t-1}, x_t] + b_o)
        c_t = f_t ⊙ c_{t-1} + (1 - f_t) ⊙ g_t
        h_t = o_t ⊙ c_t
    """

    gates = 3
    features = 2
    forget_gate = 1

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return outputs (B, T, H), and the last c (1, B, H) and x (1, B, F), of inputs (B, T, F)."""
        c, x = (None, torch.zeros_like(inputs[:, :1])) if state is None else (state[0], state[1].transpose(0, 1))
        g, f, o = self.project(torch.cat([torch.cat([x, inputs[:, :-1]], dim=1), inputs], dim=-1))
        f = torch.sigmoid(f)
        c = linear_recurrence(f, (1 - f) * torch.tanh(g), self.before(inputs, c))
        h = torch.sigmoid(o) * c
        return h, (c[:, -1].unsqueeze(0), inputs[:, -1].unsqueeze(0))
