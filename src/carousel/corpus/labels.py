"""Labels that look alike: different strings that are easily taken for the same."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)

Fold = Callable[[str], str]


def alike(labels: Iterable[str]) -> list[tuple[list[str], str]]:
    """Return groups of labels that look alike, in order, each with what its labels differ in."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(set(labels)):
        groups[_folded(label)].append(label)
    return [(group, _difference(group)) for group in groups.values() if len(group) > 1]


def alike_remarks(noun: str, counts: Mapping[str, int]) -> list[str]:
    """Return a line for each of the first groups of labels that look alike, and one for the rest.

    Args:
        noun: what the labels are called, such as `tags`.
        counts: how often each occurs.
    """
    groups = alike(counts)
    lines = []
    for group, difference in groups[:5]:
        named = ", ".join(f"{shown(label)} ({counts[label]})" for label in group)
        lines.append(f"{noun} that look alike: {named}; they differ in {difference}: make them one if they are")
    if len(groups) > 5:
        lines.append(f"{len(groups) - 5} more groups of {noun} look alike")
    return lines


def shown(label: str) -> str:
    """Return a label for a message, with escapes for what cannot be seen or could be another character."""
    if unicodedata.is_normalized("NFC", label) and all(char == " " or char.isprintable() for char in label):
        return repr(label)
    return ascii(label)


def _folded(label: str) -> str:
    return _apply((fold for _, fold in _DIFFERENCES), label)


def _difference(group: list[str]) -> str:
    needed = dict(_DIFFERENCES)
    for name in reversed(list(needed)):  # the last ones do more than they are named for
        others = [fold for other, fold in needed.items() if other != name]
        if len({_apply(others, label) for label in group}) == 1:
            del needed[name]
    return " and ".join(needed)


def _apply(folds: Iterable[Fold], label: str) -> str:
    for fold in folds:
        label = fold(label)
    return label


def _visible(label: str) -> str:
    return "".join(char for char in label if unicodedata.category(char) not in ("Cf", "Cc") or char.isspace())


def _number(label: str) -> str:
    return repr(float(label) + 0.0) if _NUMBER.fullmatch(label) else label


_DIFFERENCES: tuple[tuple[str, Fold], ...] = (
    ("the Unicode form (NFC and NFD)", lambda label: unicodedata.normalize("NFC", label)),
    ("characters that cannot be seen", _visible),
    ("spaces", lambda label: " ".join(label.split())),
    ("case", str.casefold),
    ("characters that Unicode calls compatible", lambda label: unicodedata.normalize("NFKC", label).casefold()),
    ("how a number is written", _number),
)
