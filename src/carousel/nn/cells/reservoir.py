"""Echo state networks: a fixed random reservoir, of which only the read-out is trained."""

import torch
from torch import Tensor, nn


class EchoState(nn.Module):
    """An echo state network's reservoir (Jaeger 2001, "The 'echo state' approach"), equation 1.

        h_t = tanh(W x_t + U h_{t-1})

    W is uniform in [-1, 1] and U is scaled to a spectral radius; both are drawn once and stay. No gradient passes:
    what feeds the reservoir is not trained either, and training moves the layers after it alone. With a radius
    below 1 the state forgets where it began (the echo state property, in practice).

    Args:
        input_size: F.
        hidden_size: H.
        spectral_radius: the largest absolute eigenvalue of U.
        batch_first: true, as for every cell here.
    """

    weight_ih: Tensor
    weight_hh: Tensor

    def __init__(
        self, input_size: int, hidden_size: int, *, spectral_radius: float = 0.9, batch_first: bool = True
    ) -> None:
        super().__init__()
        if not batch_first:
            raise ValueError("inputs are (B, T, F): batch_first is true")
        self.hidden_size = hidden_size
        self.register_buffer("weight_ih", torch.empty(hidden_size, input_size).uniform_(-1, 1))
        recurrent = torch.empty(hidden_size, hidden_size).uniform_(-1, 1)
        radius = torch.linalg.eigvals(recurrent).abs().max()
        self.register_buffer("weight_hh", recurrent * (spectral_radius / radius))

    @torch.no_grad()
    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return outputs (B, T, H) and the last h (1, B, H) of inputs (B, T, F)."""
        if state is None:
            state = inputs.new_zeros(1, inputs.shape[0], self.hidden_size)
        outputs, state = torch.rnn_tanh(
            inputs, state, [self.weight_ih, self.weight_hh], False, 1, 0.0, self.training, False, True
        )
        return outputs, state
