"""The key that was most likely meant."""

import difflib


def nearest(wrong: str, real: list[str]) -> str:
    """Return the end of a line about a wrong key: the real one that it resembles, or those that are known there."""
    others = [key for key in real if not wrong.startswith(f"{key}.")]  # a key's own section is no answer
    near = difflib.get_close_matches(wrong, others, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(_siblings(wrong, real))}"


def _siblings(wrong: str, real: list[str]) -> list[str]:
    prefix = wrong.rpartition(".")[0]
    same = [key for key in real if key.rpartition(".")[0] == prefix]
    return same or [key for key in real if "." not in key] or real
