"""Rows of a file, some at a time: inputs that a model can take, or the reasons why it cannot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from carousel.text.lines import is_encodable

ROWS = 4_096  # of a chunk
CHARACTERS = 1 << 24  # of a chunk's inputs, so that long ones need no more memory

Values = dict[str, Any]


@dataclass
class Chunk:
    """Some rows of a file.

    Attributes:
        inputs: what is predicted for; None for a row without an input.
        reasons: why a row has none; None if it has one.
        kept: each row's values by column, as they were read.
    """

    inputs: list[Any] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)
    kept: list[Values] = field(default_factory=list)

    def add(self, value: Any, kept: Values, reason: str | None = None) -> None:
        """Add a row; without a reason, its value is an input or gets one."""
        given = None if reason else _input(value)
        self.inputs.append(given)
        self.reasons.append("no text" if given is None and reason is None else reason)
        self.kept.append(kept)

    def check(self, check: Callable[[Any], str | None]) -> None:
        """Give a reason to each input that a model cannot take (`Predictor.check`)."""
        for i, given in enumerate(self.inputs):
            if self.reasons[i] is None and (reason := check(given)):
                self.inputs[i], self.reasons[i] = None, reason

    @property
    def predictable(self) -> list[int]:
        """Indices of the rows that have an input."""
        return [i for i, reason in enumerate(self.reasons) if reason is None]

    def __len__(self) -> int:
        return len(self.inputs)


def chunks(rows: Iterator[tuple[Any, Values, str | None]], size: int = ROWS) -> Iterator[Chunk]:
    """Yield rows, each an input, the values to keep, and perhaps a reason, in chunks that depend on them alone."""
    chunk, characters = Chunk(), 0
    for value, kept, reason in rows:
        chunk.add(value, kept, reason)
        characters += len(value) if isinstance(value, str) else 0
        if len(chunk) == size or characters >= CHARACTERS:
            yield chunk
            chunk, characters = Chunk(), 0
    if len(chunk):
        yield chunk


def encodable(value: Any) -> Any:
    """Return a value with U+FFFD for what UTF-8 cannot write: bytes of another encoding, half of a character."""
    if isinstance(value, str) and not is_encodable(value):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [encodable(one) for one in value]
    if isinstance(value, dict):
        return {encodable(key): encodable(one) for key, one in value.items()}
    return value


def _input(value: Any) -> Any:
    """Return a value as an input: texts and lists as they are, numbers and dates as text; None if it is missing."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str | list | dict | bytes) else str(value)
