"""Labels that look alike: different strings that a person takes for one."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)

Fold = Callable[[str], str]


def alike(labels: Iterable[str]) -> list[tuple[list[str], str]]:
    """Return groups of labels that look alike, in order, each with what its labels differ in."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(set(labels)):
        groups[_folded(label)].append(label)
    return [(group, _difference(group)) for group in groups.values() if len(group) > 1]


def shown(label: str) -> str:
    """Return a label for a message, with escapes for what cannot be seen or could be another character."""
    if unicodedata.is_normalized("NFC", label) and all(char == " " or char.isprintable() for char in label):
        return repr(label)
    return ascii(label)


def _folded(label: str) -> str:
    for _, fold in _DIFFERENCES:
        label = fold(label)
    return label


def _difference(group: list[str]) -> str:
    found = []
    for name, fold in _DIFFERENCES:
        folded = [fold(label) for label in group]
        if len(set(folded)) < len(set(group)):
            found.append(name)
        group = folded
    return " and ".join(found)


def _visible(label: str) -> str:
    return "".join(char for char in label if unicodedata.category(char) not in ("Cf", "Cc") or char.isspace())


def _number(label: str) -> str:
    return repr(float(label)) if _NUMBER.fullmatch(label) else label


_DIFFERENCES: tuple[tuple[str, Fold], ...] = (
    ("the Unicode form (NFC and NFD)", lambda label: unicodedata.normalize("NFC", label)),
    ("characters that cannot be seen", _visible),
    ("spaces", lambda label: " ".join(label.split())),
    ("case", str.casefold),
    ("characters that Unicode calls compatible", lambda label: unicodedata.normalize("NFKC", label).casefold()),
    ("how a number is written", _number),
)
