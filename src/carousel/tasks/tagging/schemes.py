"""Tag schemes: spans of tokens written as one tag for each token.

BIO (also IOB2) begins each span with B-TYPE and continues it with I-TYPE. IOBES also marks the last token of a
span (E-TYPE) and a span of a single token (S-TYPE); BILOU calls these L-TYPE and U-TYPE. IOB1 writes B-TYPE only
where a span follows another one of its type, IO never.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Scheme = Literal["bio", "iobes"]
PREFIXES: dict[Scheme, str] = {"bio": "BI", "iobes": "BIES"}
OUTSIDE = "O"
_SPAN_TAG = re.compile(r"O|([BIESMLU])-.+", re.DOTALL)
_SAME = {"U": "S", "L": "E", "M": "I"}  # BILOU's prefixes, and what IOBES calls them


class Span(NamedTuple):
    """Tokens `start` to `end`, exclusive, that have a type."""

    start: int
    end: int
    type: str


def is_spans(tags: Iterable[str]) -> bool:
    """Return whether these tags write spans: there is a tag, and each is O or a prefix with a type."""
    distinct = set(tags)
    return bool(distinct) and all(_SPAN_TAG.fullmatch(tag) for tag in distinct)


def spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans of a sentence by the rule of conlleval (Tjong Kim Sang and Buchholz 2000, CoNLL-2000).

    A span starts at B- and S-, at I- and E- after O, E- or S-, and where the type changes. It ends before O and
    before the next span. This reads BIO, IOB1, IO, IOBES and BILOU, and also tags that no scheme permits: in
    `O I-X`, the second token is a span.
    """
    found: list[Span] = []
    start, last_prefix, last_type = 0, OUTSIDE, ""
    for i, tag in enumerate((*tags, OUTSIDE)):
        prefix, _, type_ = tag.partition("-")
        prefix = _SAME.get(prefix, prefix)
        if prefix in ("O", "B", "S") or last_prefix in ("O", "E", "S") or type_ != last_type:
            if last_prefix != OUTSIDE:
                found.append(Span(start, i, last_type))
            start = i
        last_prefix, last_type = prefix, type_
    return found


def first_violation(tags: Sequence[str]) -> int | None:
    """Return the index of the first tag that continues no span of its type; None if there is no such tag."""
    before = OUTSIDE
    for place, tag in enumerate(tags):
        prefix = _prefix(tag)
        if prefix in ("I", "E") and not (_prefix(before) in ("B", "I") and before[2:] == tag[2:]):
            return place
        before = tag
    return None


def _prefix(tag: str) -> str:
    found = _SPAN_TAG.fullmatch(tag)
    prefix = found[1] if found else None
    return _SAME.get(prefix, prefix) if prefix else ""


def write(found: Iterable[Span], length: int, scheme: Scheme) -> list[str]:
    """Return the tags of a sentence of `length` tokens with these spans, which do not overlap."""
    tags = [OUTSIDE] * length
    for start, end, type_ in found:
        tags[start:end] = [f"I-{type_}"] * (end - start)
        tags[start] = f"B-{type_}"
        if scheme == "iobes":
            tags[end - 1] = f"E-{type_}" if end - start > 1 else f"S-{type_}"
    return tags


def convert(tags: Sequence[str], scheme: Scheme) -> list[str]:
    """Return the tags of a sentence in another scheme, with the same `spans`.

    The tags may be BIO, IOB1, IO or IOBES. Invalid BIO becomes valid.
    """
    return write(spans(tags), len(tags), scheme)


def all_tags(types: Iterable[str], scheme: Scheme) -> list[str]:
    """Return every tag of a scheme: O, then those of each type. With all of them, every sentence has valid tags."""
    return [OUTSIDE, *(f"{prefix}-{type_}" for type_ in types for prefix in PREFIXES[scheme])]


class Masks(NamedTuple):
    """What a scheme permits, as `nn.crf.Allowed` describes it."""

    transitions: npt.NDArray[np.bool_]
    start: npt.NDArray[np.bool_]
    end: npt.NDArray[np.bool_]


def allowed(tags: Sequence[str], scheme: Scheme) -> Masks:
    """Return masks of what a scheme permits, for decoding.

    Args:
        tags: K of them, in the order of the CRF's scores.
        scheme: BIO permits I-X only after B-X and I-X; IOBES permits I-X and E-X only there, and no other tag.

    Raises:
        ValueError: a tag is not of the scheme, or some sentences would have no permitted tags, because no tag may
            be repeated over a whole sentence.
    """
    parts = [tag.partition("-") for tag in tags]
    for tag, (prefix, _, type_) in zip(tags, parts, strict=True):
        if tag != OUTSIDE and not (type_ and prefix in tuple(PREFIXES[scheme])):
            raise ValueError(f"{tag!r} is not a tag of the scheme {scheme}")
    types = [type_ for _, _, type_ in parts]

    def has(prefixes: str) -> npt.NDArray[np.bool_]:
        return np.array([prefix in tuple(prefixes) for prefix, _, _ in parts], dtype=bool)

    number = {type_: i for i, type_ in enumerate(types)}
    numbers = np.array([number[type_] for type_ in types])  # (K,)
    same = numbers[:, None] == numbers  # (K, K)
    start, unfinished = has("OBS"), has("BI")
    end = ~unfinished if scheme == "iobes" else np.ones_like(unfinished)
    continues = unfinished[:, None] & has("IE") & same
    transitions = (end[:, None] & start) | continues
    if not (start & end & transitions.diagonal()).any():
        raise ValueError(f"no tag among {list(tags)} may be repeated over a whole sentence in the scheme {scheme}")
    return Masks(transitions, start, end)
