"""LSTM and GRU as the textbooks write them, to read and to test the fused kernels by.

They have the parameters of torch's own modules, under the same names, so either loads the other's weights. Each
time step is a row of equations; nothing is fused, and training takes many times as long.
"""

import torch
from torch import Tensor, nn


class ReferenceLSTM(nn.LSTM):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gates (Gers et al. 2000).

    A time step takes x (B, F), and h and c (B, H), to new h and c:

        i = σ(W_i x + U_i h + b_i)     what to write
        f = σ(W_f x + U_f h + b_f)     what to keep
        g = tanh(W_g x + U_g h + b_g)  the candidate
        o = σ(W_o x + U_o h + b_o)     what to show
        c' = f ⊙ c + i ⊙ g             the constant error carousel
        h' = o ⊙ tanh(c')
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return outputs (B, T, H) and the last h and c, each (1, B, H), of inputs (B, T, F)."""
        W_i, W_f, W_g, W_o = self.weight_ih_l0.chunk(4)  # (H, F)
        U_i, U_f, U_g, U_o = self.weight_hh_l0.chunk(4)  # (H, H)
        b_i, b_f, b_g, b_o = (self.bias_ih_l0 + self.bias_hh_l0).chunk(4)  # (H,)
        h, c = _zeros(self, inputs, 2) if state is None else (state[0][0], state[1][0])
        outputs = []
        for x in inputs.unbind(1):
            i = torch.sigmoid(x @ W_i.T + h @ U_i.T + b_i)
            f = torch.sigmoid(x @ W_f.T + h @ U_f.T + b_f)
            g = torch.tanh(x @ W_g.T + h @ U_g.T + b_g)
            o = torch.sigmoid(x @ W_o.T + h @ U_o.T + b_o)
            c = f * c + i * g
            h = o * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs, dim=1), (h.unsqueeze(0), c.unsqueeze(0))


class ReferenceGRU(nn.GRU):
    """Gated recurrent unit (Cho et al. 2014), in the form of cuDNN and torch: the reset gate acts after U_n.

    A time step takes x (B, F) and h (B, H) to a new h:

        r = σ(W_r x + U_r h + b_r)                how much of the past the candidate sees
        z = σ(W_z x + U_z h + b_z)                how much of the past stays
        n = tanh(W_n x + b_n + r ⊙ (U_n h + d_n))  the candidate
        h' = (1 - z) ⊙ n + z ⊙ h
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Return outputs (B, T, H) and the last h (1, B, H) of inputs (B, T, F)."""
        W_r, W_z, W_n = self.weight_ih_l0.chunk(3)  # (H, F)
        U_r, U_z, U_n = self.weight_hh_l0.chunk(3)  # (H, H)
        b_r, b_z, b_n = self.bias_ih_l0.chunk(3)  # (H,)
        d_r, d_z, d_n = self.bias_hh_l0.chunk(3)  # (H,)
        (h,) = _zeros(self, inputs, 1) if state is None else (state[0],)
        outputs = []
        for x in inputs.unbind(1):
            r = torch.sigmoid(x @ W_r.T + b_r + h @ U_r.T + d_r)
            z = torch.sigmoid(x @ W_z.T + b_z + h @ U_z.T + d_z)
            n = torch.tanh(x @ W_n.T + b_n + r * (h @ U_n.T + d_n))
            h = (1 - z) * n + z * h
            outputs.append(h)
        return torch.stack(outputs, dim=1), h.unsqueeze(0)


def _zeros(cell: nn.RNNBase, inputs: Tensor, count: int) -> tuple[Tensor, ...]:
    return tuple(inputs.new_zeros(inputs.shape[0], cell.hidden_size) for _ in range(count))
