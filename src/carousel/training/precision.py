"""Which numbers a training computes with, and why."""

import functools
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from carousel.errors import UserError, first_line
from carousel.params import Hparams

# The narrowest LSTM whose bf16 training was measured to be faster than fp32 on a processor with bf16 instructions
BF16_HIDDEN_SIZE = 256


@dataclass(frozen=True)
class Precision:
    """A precision that was chosen, and the reason in words.

    Attributes:
        name: bf16 computes matrix products and recurrences with 16 bits, weights and optimizer with 32.
        reason: why, for the person who waits and the report.
    """

    name: Literal["fp32", "bf16"]
    reason: str

    @property
    def lightning(self) -> Literal["32-true", "bf16-mixed"]:
        """What Lightning calls it."""
        return "bf16-mixed" if self.name == "bf16" else "32-true"


def choose(hparams: Hparams) -> Precision:
    """Resolve `train.precision` on this machine.

    `auto` is decided by what the machine has, never by a stopwatch, so that the same run computes with the same
    numbers again.

    Raises:
        UserError: when bf16 is asked for and no part of this machine computes with it.
    """
    asked = hparams.train.precision
    device, has_bf16 = hardware()
    if asked == "fp32":
        return Precision("fp32", "set by train.precision")
    if not has_bf16:
        if asked == "bf16":
            raise UserError(
                f"train.precision: {device} has no bf16 instructions, and would take many times as long to act as "
                "if it had; use auto or fp32"
            )
        return Precision("fp32", f"{device} has no bf16 instructions")
    refusal = _refusal() if device == "this processor" else None
    if refusal:
        return Precision("fp32", f"{device} refuses bf16 recurrent kernels: {refusal}")
    if asked == "bf16":
        return Precision("bf16", "set by train.precision")
    model = hparams.model
    pays = model.encoder == "recurrent" and model.cell == "lstm" and model.hidden_size >= BF16_HIDDEN_SIZE
    if device == "this processor" and not pays:
        return Precision(
            "fp32",
            f"on CPUs bf16 is faster only for an lstm with hidden_size of {BF16_HIDDEN_SIZE} or more; "
            "train.precision: bf16 forces it",
        )
    return Precision("bf16", f"{device} has bf16 instructions")


def hardware() -> tuple[str, bool]:
    """Return the device in words, and whether it computes with bf16 itself rather than by emulation."""
    if torch.cuda.is_available():
        return "this GPU", torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return "this processor", any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16"))


@functools.cache
def _refusal() -> str | None:
    """Train an LSTM for one step in bf16, and return what the framework says against it."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            nn.LSTM(2, 2, batch_first=True)(torch.ones(1, 2, 2))[0].sum().backward()
    except RuntimeError as error:
        return first_line(error)
    return None
