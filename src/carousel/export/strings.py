"""Text to token ids inside a graph, by onnxruntime-extensions' operators on strings.

Only what is the same to the last character is written: a rule or a normalization step that these operators cannot
express is refused. A NUL ends a text, as it does everywhere in ONNX Runtime.
"""

import sys
from collections.abc import Callable, Mapping
from functools import cache
from itertools import groupby

import numpy as np

from carousel.errors import UserError
from carousel.export.graph import ML, Graph, Value
from carousel.text.cut import kept
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import UNKNOWN_ID, Vocabulary

CONTRIB = "ai.onnx.contrib"
SPACE = r"\t-\r\x1c-\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"  # Python's \s
ANY = "(?s)(.)"

# What separates tokens, and which separators are tokens themselves; `text.tokenizer` has the same rules as matches
_RULES = {
    "split": (f"([{SPACE}]+)", ""),
    "basic_english": (rf"(['.,()!?]|[;:{SPACE}]+)", "['.,()!?]"),
    "characters": (ANY, "(?s)."),
}


def encode(
    graph: Graph, text: Value, tokenizer: Tokenizer, vocabulary: Vocabulary, max_length: int, truncation: str
) -> tuple[Value, Value]:
    """Return ids (B, T) and lengths (B,) of texts (B,), as `Vocabulary.encode` does.

    Raises:
        UserError: when the tokenizer cannot be expressed.
    """
    if tokenizer.name not in _RULES:
        raise UserError(
            f"--strings: the tokenizer {tokenizer.name} cannot be expressed in a graph; {', '.join(_RULES)} can"
        )
    for step in tokenizer.normalization:
        if step not in _STEPS:
            raise UserError(
                f"--strings: the normalization step {step} cannot be expressed in a graph; {', '.join(_STEPS)} can"
            )
        text = _STEPS[step](text)
    tokens, ends = _split(text, *_RULES[tokenizer.name])
    ids = _numbered(tokens, vocabulary.ids, UNKNOWN_ID)
    lengths = _lengths(ends)
    limits = kept(max_length, truncation)
    read, gap = lengths, None
    if limits is not None:
        read = lengths.minimum(sum(limits))
        gap = (limits[0], lengths - read)
    found = _matrix(graph.join([ids, graph.integers([UNKNOWN_ID])], 0), ends, read, gap)
    return found, read.maximum(1)


def _split(text: Value, delimiter: str, kept: str) -> tuple[Value, Value]:
    """Return the pieces of all texts end to end (N,), and where each text's begin and end (B + 1,)."""
    graph = text.graph
    pieces, _, _, ends = graph.ops(
        "StringRegexSplitWithOffsets",
        text,
        graph.strings(delimiter),
        graph.strings(kept),
        outputs=4,
        domain=CONTRIB,
    )
    return pieces, Value(graph, ends.name, np.dtype(np.int64))


def _matrix(pieces: Value, ends: Value, lengths: Value, gap: tuple[int, Value] | None = None) -> Value:
    """Return pieces as a matrix (B, T): a row a text, 0 or the last piece where there is none.

    Args:
        pieces: of all texts end to end, and one more, which fills up strings and texts without any piece.
        ends: where each text's begin and end, (B + 1,).
        lengths: how many of each text are taken, (B,).
        gap: after how many pieces of a text how many are left out, (B,).
    """
    graph, filler = pieces.graph, pieces.size(0) - 1
    width = lengths.largest(0).maximum(1)
    places = graph.count(width).unsqueeze(0)  # (1, T)
    source = ends.part(None, -1, 0).unsqueeze(1) + places
    if gap is not None:
        source = source + (places >= gap[0]).cast(np.int64) * gap[1].unsqueeze(1)
    inside = places < lengths.unsqueeze(1)
    found = pieces.take(graph.where(inside, source, filler + places * 0))
    if pieces.dtype != np.int64:
        return found
    counted = places < lengths.maximum(1).unsqueeze(1)
    return found * counted.cast(np.int64)


def _replaced(pattern: str, replacement: str) -> Callable[[Value], Value]:
    def step(text: Value) -> Value:
        graph = text.graph
        return graph.op(
            "StringRegexReplace", text, graph.strings(pattern), graph.strings(replacement), domain=CONTRIB
        )

    return step


def _numbered(strings: Value, numbers: Mapping[str, int], other: int) -> Value:
    """Return the number of each string; `other` for one that has none."""
    return strings.graph.op(
        "LabelEncoder",
        strings,
        domain=ML,
        dtype=np.int64,
        keys_strings=list(numbers),
        values_int64s=list(numbers.values()),
        default_int64=other,
    )


def _lengths(ends: Value) -> Value:
    """Return how many pieces each text has."""
    return ends.part(1, None, 0) - ends.part(None, -1, 0)


def _mapped(function: Callable[[str], str]) -> Callable[[Value], Value]:
    """Return a step that replaces each character by what a function makes of it alone."""

    def step(text: Value) -> Value:
        graph = text.graph
        changed = _changed(function)
        pieces, ends = _split(text, ANY, "(?s).")
        number = _numbered(pieces, {piece: i for i, piece in enumerate(changed, 1)}, 0)
        table = graph.strings(["", *changed.values()])
        one = graph.where(number >= 1, table.take(number), pieces)
        matrix = _matrix(graph.join([one, graph.strings([""])], 0), ends, _lengths(ends))
        return graph.op("StringJoin", matrix, graph.strings([""]), graph.integers([1]), domain=CONTRIB)

    return step


@cache
def _changed(function: Callable[[str], str]) -> dict[str, str]:
    """Return the characters that a function changes, and into what."""
    return {char: function(char) for char in _characters() if function(char) != char}


def _characters() -> list[str]:
    return [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


def _lowercase(text: Value) -> Value:
    """Lowercase as Python does, which writes Σ at a word's end as ς (Unicode, section 3.13, "Final_Sigma")."""
    cased, ignored = _sigma_contexts()
    final = rf"([{cased}][{ignored}]*)Σ([{ignored}]*(?:[^{cased}{ignored}]|\z))"
    return _mapped(str.lower)(_replaced(final, r"\1ς\2")(text))


@cache
def _sigma_contexts() -> tuple[str, str]:
    """Return the characters that are cased, and those that are ignored beside them, as Python has them."""
    cased = [char for char in _characters() if (char + "Σ").lower()[-1] == "ς"]
    ignored = [char for char in _characters() if (f"A{char}Σ").lower()[-1] == "ς"]
    return _class(cased), _class(sorted(set(ignored) - set(cased)))


def _class(characters: list[str]) -> str:
    """Return characters in order as the inside of a regular expression's brackets."""
    codes = [ord(char) for char in characters]
    runs = [[code for _, code in run] for _, run in groupby(enumerate(codes), lambda pair: pair[1] - pair[0])]
    return "".join(rf"\x{{{run[0]:x}}}-\x{{{run[-1]:x}}}" for run in runs)


def _split_identifiers(text: Value) -> Value:
    for boundary in (r"([a-z]{2})([A-Z])", r"([0-9])([A-Z][a-z])", r"([A-Z])([A-Z](?:[a-rt-z]|s[a-z]))"):
        text = _replaced(boundary, r"\1 \2")(text)
    return _replaced("_", " ")(text)


def _collapse_spaces(text: Value) -> Value:
    collapsed = _replaced(f"[{SPACE}]+", " ")(text)
    return _replaced(r"^ | $", "")(collapsed)


_STEPS: dict[str, Callable[[Value], Value]] = {
    "lowercase": _lowercase,
    "casefold": _mapped(str.casefold),
    "html_breaks": _replaced("<br />", " "),
    "remove_quotes": _replaced('"', ""),
    "split_identifiers": _split_identifiers,
    "collapse_spaces": _collapse_spaces,
}
