"""Whether tags follow a scheme of spans: B- begins one, I- continues it, O is outside."""

import re
from collections.abc import Iterable, Sequence

OUTSIDE = "O"
_TAG = re.compile(r"([BIESMLU])-(.+)", re.DOTALL)
BEGINS = frozenset("BIM")  # prefixes after which a span can continue
CONTINUES = frozenset("IEML")  # prefixes that need such a tag before them


def is_scheme(tags: Iterable[str]) -> bool:
    """Whether a set of tags is one of spans: every tag but O has a prefix, and one prefix at least is B or I."""
    prefixes = {None if tag == OUTSIDE else _prefix(tag) for tag in tags}
    return "" not in prefixes and not prefixes.isdisjoint("BI")


def first_violation(tags: Sequence[str]) -> int | None:
    """Return the index of the first tag that continues no span of its type; None if there is no such tag."""
    before = OUTSIDE
    for place, tag in enumerate(tags):
        if _prefix(tag) in CONTINUES and not (_prefix(before) in BEGINS and before[2:] == tag[2:]):
            return place
        before = tag
    return None


def _prefix(tag: str) -> str:
    found = _TAG.fullmatch(tag)
    return found[1] if found else ""
