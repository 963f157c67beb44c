"""Names of columns in messages."""

from collections.abc import Sequence


def named(columns: Sequence[str], most: int = 12, width: int = 40) -> str:
    """Return column names for a message, long ones and long lists cut."""
    shown = [repr(name if len(name) <= width else f"{name[:width]}…") for name in columns[:most]]
    return ", ".join(shown) + (", …" if len(columns) > most else "")
