"""The vocabulary: an ordered list of tokens, stored as plain text that can be read and diffed."""

import hashlib
from collections.abc import Iterable
from functools import cached_property

from carousel.text.cut import cut

FORMAT = "carousel vocabulary 1"
PART = "vocab.txt"  # of a bundle
PADDING, UNKNOWN = "<pad>", "<unk>"
SPECIALS = (PADDING, UNKNOWN)
PADDING_ID, UNKNOWN_ID = 0, 1
MOST = 1_000_000  # tokens


class Vocabulary:
    """Tokens in id order, specials first.

    Args:
        tokens: every token, beginning with `<pad>` and `<unk>`, each once, none empty.

    Raises:
        ValueError: when the tokens do not make a vocabulary.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = tuple(tokens)
        if self.tokens[: len(SPECIALS)] != SPECIALS:
            raise ValueError(f"does not begin with {' '.join(SPECIALS)}")
        if not all(self.tokens):
            raise ValueError("has an empty token")
        if len(set(self.tokens)) != len(self.tokens):
            raise ValueError("has a token twice")

    @classmethod
    def build(cls, ordered: Iterable[tuple[str, int]], *, min_count: int, max_size: int) -> "Vocabulary":
        """Keep the most frequent tokens.

        Args:
            ordered: pairs (token, count), count descending, then token (`text.columns.counts`).
            min_count: rarer tokens are out-of-vocabulary.
            max_size: the most ids, specials included.
        """
        kept = [token for token, count in ordered if count >= min_count and token not in SPECIALS]
        return cls((*SPECIALS, *kept[: max_size - len(SPECIALS)]))

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each word. The specials have none: a text that spells `<pad>` holds an unknown word."""
        return {token: i for i, token in enumerate(self.tokens) if i >= len(SPECIALS)}

    def encode(self, tokens: list[str], max_length: int, truncation: str = "head") -> list[int]:
        """Return the ids of the tokens that `text.cut` keeps; a text without tokens is one unknown token."""
        return [self.ids.get(token, UNKNOWN_ID) for token in cut(tokens, max_length, truncation)] or [UNKNOWN_ID]

    def to_text(self) -> str:
        r"""Return the canonical text: a versioned first line, then a token a line, `\n`, `\r` and `\\` escaped."""
        return "\n".join((FORMAT, *map(_escaped, self.tokens))) + "\n"

    @classmethod
    def from_text(cls, content: str) -> "Vocabulary":
        """Read what `to_text` wrote.

        Raises:
            ValueError: when the content is not a vocabulary of this format, or was cut short.
        """
        if content.count("\n") > MOST:  # counted first: a list of them would take a hundred times the memory
            raise ValueError(f"has more than {MOST:,} lines")
        first, *tokens = content.split("\n")
        if first != FORMAT:
            raise ValueError(f"does not begin with the line {FORMAT!r}")
        if not tokens or tokens.pop():
            raise ValueError("was cut short in its last line")
        return cls(map(_unescaped, tokens))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical text."""
        return hashlib.sha256(self.to_text().encode("utf-8", "surrogatepass")).hexdigest()

    def __len__(self) -> int:
        return len(self.tokens)


def _escaped(token: str) -> str:
    return token.replace("\\", r"\\").replace("\n", r"\n").replace("\r", r"\r")


def _unescaped(line: str) -> str:
    if "\\" not in line:
        return line
    parts = [
        part.replace(r"\n", "\n").replace(r"\r", "\r") for part in line.split(r"\\")
    ]  # a pair is one backslash
    if any("\\" in part for part in parts):
        raise ValueError(f"has an unknown escape in the line {line!r}")
    return "\\".join(parts)
