"""Durations and times as text."""

from datetime import datetime


def duration(seconds: float) -> str:
    """Return seconds in words: `40 s`, `3 min`, `2.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def local_time(seconds: float) -> str:
    """Return a time, in seconds since 1970, to the minute in the local time zone."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
