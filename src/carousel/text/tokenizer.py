"""Tokenizers: normalization steps, then a rule that cuts text into tokens. Saved as names and data, never as code.

| name | tokens | decodes back |
|---|---|---|
| basic_english | torchtext's: words, and `.,()!?'` | no |
| words | Unicode words and punctuation (`text.word_boundaries`) | no |
| split | whatever white space separates | no |
| characters | code points | yes |
| bytes | bytes of UTF-8 | yes |
| bpe, unigram | subwords, trained on the training split (`text.subwords`) | yes |

`text.columns` applies the same rules to a whole column.
"""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from carousel.text import strict_json
from carousel.text.normalization import STEPS, normalize
from carousel.text.word_boundaries import pattern as words_pattern

FORMAT = "carousel tokenizer 1"
PART = "tokenizer.json"  # of a bundle
MOST_STEPS = 2 * len(STEPS)  # of normalization; each costs time for every text


@dataclass(frozen=True)
class Tokenizer(ABC):
    """Text to tokens.

    Attributes:
        name: a key of `TOKENIZERS` or of `subwords.KINDS`.
        normalization: keys of `normalization.STEPS`, applied in order.
    """

    name: str
    normalization: tuple[str, ...]

    @abstractmethod
    def cut(self, text: str) -> list[str]:
        """Return the tokens of a normalized text; possibly none."""

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of one text; possibly none."""
        return self.cut(self.normalize(text))

    def words(self, text: str) -> list[list[str]]:
        """Return the tokens of one text, those of the same word together."""
        return [[token] for token in self.tokenize(text)]

    def normalize(self, text: str) -> str:
        """Return the text with all normalization steps applied."""
        return normalize(text, self.normalization)

    def decode(self, tokens: Sequence[str]) -> str:
        """Return the normalized text that the tokens came from.

        Raises:
            NotImplementedError: for a tokenizer that drops characters, such as spaces.
        """
        raise NotImplementedError(f"{self.name} tokens do not decode back to a text")

    def fields(self) -> dict[str, Any]:
        """Return what is saved, as JSON values."""
        return {"name": self.name, "normalization": list(self.normalization)}

    def to_json(self) -> str:
        """Return the canonical text that is saved and fingerprinted."""
        return json.dumps({"format": FORMAT, **self.fields()}, indent=2, ensure_ascii=False) + "\n"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical text."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @staticmethod
    def from_json(content: str) -> "Tokenizer":
        """Read what `to_json` wrote.

        Raises:
            ValueError: when the content is not a tokenizer of this format.
        """
        fields = strict_json.loads(content)
        if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
            raise ValueError(f"does not say {FORMAT!r}")
        return _from_fields(fields)


class PatternTokenizer(Tokenizer):
    """Every match of a fixed regular expression is a token."""

    @property
    def pattern(self) -> str:
        """The expression; it means the same to Python's `re` and Rust's `regex`."""
        return _PATTERNS[self.name]()

    def cut(self, text: str) -> list[str]:
        """Return all matches."""
        return _compiled(self.name).findall(text)


class Characters(Tokenizer):
    """Every code point is a token, spaces and line breaks included."""

    def cut(self, text: str) -> list[str]:
        """Return the code points."""
        return list(text)

    def decode(self, tokens: Sequence[str]) -> str:
        """Return the normalized text."""
        return "".join(tokens)


class Bytes(Tokenizer):
    """Every byte of the text's UTF-8 is a token: `<0xE4>`."""

    def cut(self, text: str) -> list[str]:
        """Return a token for each byte; a lone surrogate becomes the bytes of `?`."""
        return list(map(BYTES.__getitem__, text.encode("utf-8", "replace")))

    def decode(self, tokens: Sequence[str]) -> str:
        """Return the normalized text."""
        return bytes(map(BYTES.index, tokens)).decode("utf-8")


BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))

_PATTERNS: dict[str, Callable[[], str]] = {
    # torchtext.data.utils._basic_english_normalize: ; and : separate, other punctuation is a token by itself
    "basic_english": lambda: r"['.,()!?]|[^'.,()!?;:\s\x1c-\x1f]+",
    "words": words_pattern,
    # torchtext.data.utils._split_tokenizer
    "split": lambda: r"[^\s\x1c-\x1f]+",
}


@cache
def _compiled(name: str) -> re.Pattern[str]:
    return re.compile(_PATTERNS[name]())


_ENGLISH = ("lowercase", "remove_quotes", "html_breaks")
_UNICODE = ("nfc", "casefold", "html_breaks")

# With their own normalization, which params.yaml may replace
TOKENIZERS: dict[str, Tokenizer] = {
    "basic_english": PatternTokenizer("basic_english", _ENGLISH),
    "words": PatternTokenizer("words", _UNICODE),
    "split": PatternTokenizer("split", ()),
    "characters": Characters("characters", _UNICODE),
    "bytes": Bytes("bytes", ()),
}


def _from_fields(fields: dict[str, Any]) -> Tokenizer:
    from carousel.text import subwords

    try:
        name, normalization = fields.pop("name"), tuple(fields.pop("normalization"))
        unknown = [step for step in normalization if step not in STEPS]
        if unknown:
            raise ValueError(f"normalization step {unknown[0]!r} is not one of {', '.join(STEPS)}")
        if len(normalization) > MOST_STEPS:
            raise ValueError(f"has {len(normalization)} normalization steps, where {MOST_STEPS} are the most")
        if name in subwords.KINDS:
            return subwords.from_fields(name, normalization, fields)
        if fields:
            raise ValueError(f"unknown field {next(iter(fields))!r}")
        return replace(TOKENIZERS[name], normalization=normalization)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"lacks or misspells a field ({error})") from error
