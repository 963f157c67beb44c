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

IN_ORDER = ("cpu",)  # devices that are bound by memory


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
        last = arrived[:, -1]
        # From the end, with the decay of the step after
        gradient = torch.cat([_scan(decay[:, 1:], arrived[:, :-1], last, from_end=True), last.unsqueeze(1)], dim=1)
        of_decay = torch.empty_like(states)
        torch.mul(gradient[:, 0], initial, out=of_decay[:, 0])
        torch.mul(gradient[:, 1:], states[:, :-1], out=of_decay[:, 1:])
        return of_decay, gradient, decay[:, 0] * gradient[:, 0]


def _scan(decay: Tensor, drive: Tensor, initial: Tensor, *, from_end: bool = False) -> Tensor:
    if decay.device.type in IN_ORDER:
        return one_by_one(decay, drive, initial, from_end=from_end)
    if from_end:
        return doubling(decay.flip(1), drive.flip(1), initial).flip(1)
    return doubling(decay, drive, initial)


def one_by_one(decay: Tensor, drive: Tensor, initial: Tensor, *, from_end: bool = False) -> Tensor:
    """Each time step in order: T steps, and each number is moved once.

    From the end, the last time step comes first, and `initial` is the state after it.
    """
    states = torch.empty_like(drive)
    state = initial
    times = range(drive.shape[1])
    for time in reversed(times) if from_end else times:
        state = torch.addcmul(drive[:, time], decay[:, time], state, out=states[:, time])
    return states


def doubling(decay: Tensor, drive: Tensor, initial: Tensor) -> Tensor:
    """Steps of 1, 2, 4 and so on: log2(T) of them, each over all time steps at once (Hillis & Steele 1986)."""
    if drive.shape[1] == 0:
        return drive
    first = torch.addcmul(drive[:, :1], decay[:, :1], initial.unsqueeze(1))
    drive = torch.cat([first, drive[:, 1:]], dim=1)
    reach = 1
    while reach < drive.shape[1]:
        further = torch.addcmul(drive[:, reach:], decay[:, reach:], drive[:, :-reach])
        drive = torch.cat([drive[:, :reach], further], dim=1)
        decay = torch.cat([decay[:, :reach], decay[:, reach:] * decay[:, :-reach]], dim=1)
        reach *= 2
    return drive
