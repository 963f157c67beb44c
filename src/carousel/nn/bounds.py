"""Types and bounds of the numbers that a network is built from: checked before anything is built."""

import math
import reprlib
from collections.abc import Hashable
from functools import cache
from typing import Annotated, Any, NamedTuple, cast, get_args, get_origin, get_type_hints


class OutOfBoundsError(ValueError):
    """A number that is of another type than its field, or out of its bounds."""


class Bounds(NamedTuple):
    """The least and the largest value of a number."""

    least: float
    most: float


Width = Annotated[int, Bounds(1, 2**14)]
Layers = Annotated[int, Bounds(1, 64)]
Rows = Annotated[int, Bounds(1, 2**24)]  # of an embedding
Count = Annotated[int, Bounds(0, 2**28)]
Words = Annotated[int, Bounds(0, 2**31)]
Probability = Annotated[float, Bounds(0, 1)]
Factor = Annotated[float, Bounds(0, 1e6)]


def check(config: object) -> None:
    """Check every field of a dataclass against its annotation.

    A truth value in place of a number, or a float in place of an integer, is of another type, although Python
    calculates with it.

    Raises:
        OutOfBoundsError: naming the first field that is of another type or out of bounds.
    """
    for name, (kind, bounds) in _fields(cast(Hashable, type(config))).items():
        value = getattr(config, name)
        kinds = (float, int) if kind is float else (kind,)
        if type(value) not in kinds:
            raise OutOfBoundsError(f"{name} is {reprlib.repr(value)}, which is no {kind.__name__}")
        if bounds and not (math.isfinite(value) and bounds.least <= value <= bounds.most):
            raise OutOfBoundsError(
                f"{name} is {value!r:.20}, and should be from {bounds.least:g} to {bounds.most:g}"
            )


@cache
def _fields(kind: type) -> dict[str, tuple[type, Bounds | None]]:
    hints = get_type_hints(kind, include_extras=True)
    return {name: _field(hint) for name, hint in hints.items()}


def _field(hint: Any) -> tuple[type, Bounds | None]:
    if get_origin(hint) is Annotated:
        kind, bounds = get_args(hint)
        return kind, bounds
    return hint, None
