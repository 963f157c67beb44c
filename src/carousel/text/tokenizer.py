"""Tokenizers as data: a few replacements and one regular expression, the same in every place they run.

A tokenizer is saved with the model that it was used for, so it holds no code. `text.columns` applies the
same rules to a whole Polars column; `text.conventions` holds them to torchtext's own meaning.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property

FORMAT = "carousel tokenizer 1"

# Python's str.split() and re's \s also break at the four ASCII separators, which Rust's \s does not know
_SPACE = r"\s\x1c-\x1f"


@dataclass(frozen=True)
class Tokenizer:
    """Lower-casing, then literal replacements in order, then every match of `pattern` is a token.

    Attributes:
        name: how params.yaml calls it.
        lowercase: whether text is lower-cased first.
        replacements: pairs (literal, replacement), applied in order.
        pattern: a regular expression that means the same to Python's `re` and Rust's `regex`.
    """

    name: str
    lowercase: bool
    replacements: tuple[tuple[str, str], ...]
    pattern: str

    @cached_property
    def _matches(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of one text; possibly none."""
        if self.lowercase:
            text = text.lower()
        for literal, replacement in self.replacements:
            text = text.replace(literal, replacement)
        return self._matches.findall(text)

    def to_json(self) -> str:
        """Return the canonical text that is saved and fingerprinted."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, content: str) -> "Tokenizer":
        """Read what `to_json` wrote.

        Raises:
            ValueError: when the content is not a tokenizer of this format.
        """
        try:
            fields = json.loads(content)
        except json.JSONDecodeError as error:
            raise ValueError(f"is not valid JSON ({error})") from error
        if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
            raise ValueError(f"does not say {FORMAT!r}")
        try:
            tokenizer = cls(**{**fields, "replacements": tuple((a, b) for a, b in fields["replacements"])})
            re.compile(tokenizer.pattern)
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise ValueError(f"lacks or misspells a field ({error})") from error
        return tokenizer

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical text."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


TOKENIZERS = {
    # torchtext.data.utils._basic_english_normalize: quotes and <br /> go, ; and : separate, other
    # punctuation stands alone
    "basic_english": Tokenizer(
        name="basic_english",
        lowercase=True,
        replacements=(('"', ""), ("<br />", " ")),
        pattern=rf"['.,()!?]|[^'.,()!?;:{_SPACE}]+",
    ),
    # torchtext.data.utils._split_tokenizer
    "split": Tokenizer(name="split", lowercase=False, replacements=(), pattern=rf"[^{_SPACE}]+"),
}
