"""Linear recurrences, h_t = a_t ⊙ h_{t-1} + b_t, over all time steps at once.

The recurrence is associative: two steps are one step with a = a_2 ⊙ a_1 and b = a_2 ⊙ b_1 + b_2 (Blelloch 1990;
Martin & Cundy 2018, "Parallelizing Linear Recurrent Neural Nets Over Sequence Length"). A device with thousands
of threads doubles the distance that each step covers, log2(T) times. A processor with a few cores is bound by
memory, of which doubling moves log2(T) times as much; there each step runs once, in order.

The gradient is the same recurrence from the end: with g_t the gradient that arrives at h_t,
G_t = g_t + a_{t+1} ⊙ G_{t+1}, and then ∂b_t = G_t, ∂a_t = G_t ⊙ h_{t-1}, ∂h_0 = a_1 ⊙ G_1.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def linear_recurrence(decay: Tensor, drive: Tensor, initial: Tensor) -> Tensor:
    """Return all states h (B, T, H) of h_t = decay_t ⊙ h_{t-1} + drive_t, in fp32 also under bf16 autocast.

    Args:
        decay: a, (B, T, H).
        drive: b, (B, T, H).
        initial: the state before the first time step, (B, H).
    """
    if decay.dtype is torch.bfloat16:  # 8 bits would forget what a long memory adds at each step
        decay, drive, initial = decay.float(), drive.float(), initial.float()
    states: Tensor = _LinearRecurrence.apply(decay, drive, initial)  # type: ignore[no-untyped-call]
    return states


class _LinearRecurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, decay: Tensor, drive: Tensor, initial: Tensor) -> Tensor:
        states = _scan(decay, drive, initial)
        ctx.save_for_backward(decay, states, initial)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, arrived: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        decay, states, initial = ctx.saved_tensors
        # From the end, with the decay of the step after
        after = torch.cat([decay[:, 1:], torch.zeros_like(decay[:, :1])], dim=1)
        gradient = _scan(after.flip(1), arrived.flip(1), torch.zeros_like(initial)).flip(1)
        before = torch.cat([initial.unsqueeze(1), states[:, :-1]], dim=1)
        return gradient * before, gradient, decay[:, 0] * gradient[:, 0]


def _scan(decay: Tensor, drive: Tensor, initial: Tensor) -> Tensor:
    return one_by_one(decay, drive, initial) if decay.device.type == "cpu" else doubling(decay, drive, initial)


def one_by_one(decay: Tensor, drive: Tensor, initial: Tensor) -> Tensor:
    """Each time step in order: T steps, and each number is moved once."""
    states = torch.empty_like(drive)
    state = initial
    for time in range(drive.shape[1]):
        state = torch.addcmul(drive[:, time], decay[:, time], state, out=states[:, time])
    return states


def doubling(decay: Tensor, drive: Tensor, initial: Tensor) -> Tensor:
    """Steps of 1, 2, 4 and so on: log2(T) of them, each over all time steps at once (Hillis & Steele 1986)."""
    first = torch.addcmul(drive[:, :1], decay[:, :1], initial.unsqueeze(1))
    drive = torch.cat([first, drive[:, 1:]], dim=1)
    reach = 1
    while reach < drive.shape[1]:
        further = torch.addcmul(drive[:, reach:], decay[:, reach:], drive[:, :-reach])
        drive = torch.cat([drive[:, :reach], further], dim=1)
        decay = torch.cat([decay[:, :reach], decay[:, reach:] * decay[:, :-reach]], dim=1)
        reach *= 2
    return drive
