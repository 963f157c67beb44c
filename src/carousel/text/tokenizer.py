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
    """Separations, lower-casing, literal replacements in order; then every match of `pattern` is a token.

    Attributes:
        name: how params.yaml calls it.
        lowercase: whether text is lower-cased first.
        replacements: pairs (literal, replacement), applied in order.
        pattern: a regular expression that means the same to Python's `re` and Rust's `regex`.
        separations: further ones, applied in order and before lower-casing, each of two groups between which a
            space is put. A tokenizer without any is saved without this field, as before there was one.
    """

    name: str
    lowercase: bool
    replacements: tuple[tuple[str, str], ...]
    pattern: str
    separations: tuple[str, ...] = ()

    @cached_property
    def _matches(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of one text; possibly none."""
        for separation in self.separations:
            text = re.sub(separation, r"\1 \2", text)
        if self.lowercase:
            text = text.lower()
        for literal, replacement in self.replacements:
            text = text.replace(literal, replacement)
        return self._matches.findall(text)

    def to_json(self) -> str:
        """Return the canonical text that is saved and fingerprinted."""
        fields = asdict(self)
        if not self.separations:
            del fields["separations"]
        return json.dumps({"format": FORMAT, **fields}, indent=2, ensure_ascii=False) + "\n"

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
            pairs = tuple((a, b) for a, b in fields["replacements"])
            separations = tuple(fields.get("separations", ()))
            tokenizer = cls(**{**fields, "replacements": pairs, "separations": separations})
            re.compile(tokenizer.pattern)
            if any(re.compile(separation).groups != 2 for separation in separations):
                raise ValueError("a separation needs two groups")
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
    # The same, after names of code have become their words: getLineNumber, HTTPServer, max_length. A capital after
    # one small letter or a digit begins no word (iPhone, McDonald, 3D), nor does a plural's s end one (DVDs)
    "english_identifiers": Tokenizer(
        name="english_identifiers",
        lowercase=True,
        replacements=(('"', ""), ("_", " "), ("<br />", " ")),
        pattern=rf"['.,()!?]|[^'.,()!?;:{_SPACE}]+",
        separations=("([a-z]{2})([A-Z])", "([0-9])([A-Z][a-z])", "([A-Z])([A-Z](?:[a-rt-z]|s[a-z]))"),
    ),
    # torchtext.data.utils._split_tokenizer
    "split": Tokenizer(name="split", lowercase=False, replacements=(), pattern=rf"[^{_SPACE}]+"),
}
