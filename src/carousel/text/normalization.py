"""Normalization: named steps from text to text, applied in order before a text is cut into tokens.

A tokenizer is saved with the names of its steps, never with code or patterns, so a bundle from elsewhere can only
ask for what is defined here.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

# Where the words of an identifier meet: getLineNumber, HTTPServer, utf8Decode. A capital after one lowercase letter
# begins no word (iPhone, McDonald), and neither does the s of a plural (DVDs)
_IDENTIFIER_BOUNDARIES = (
    re.compile("([a-z]{2})([A-Z])"),
    re.compile("([0-9])([A-Z][a-z])"),
    re.compile("([A-Z])([A-Z](?:[a-rt-z]|s[a-z]))"),
)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _strip_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if not unicodedata.combining(char)))


def _split_identifiers(text: str) -> str:
    for boundary in _IDENTIFIER_BOUNDARIES:
        text = boundary.sub(r"\1 \2", text)
    return text.replace("_", " ")


def _collapse_spaces(text: str) -> str:
    return " ".join(text.split())


STEPS: dict[str, Callable[[str], str]] = {
    "nfc": _nfc,  # Unicode's canonical composition: é is one character however it was typed
    "nfkc": _nfkc,  # also compatibility forms: full-width ＡＢＣ, ligatures, ²
    "lowercase": str.lower,
    "casefold": str.casefold,  # lowercase for comparison: Straße and STRASSE are equal
    "strip_accents": _strip_accents,
    "html_breaks": lambda text: text.replace("<br />", " "),
    "remove_quotes": lambda text: text.replace('"', ""),
    "split_identifiers": _split_identifiers,  # getLineNumber, max_length → get Line Number, max length
    "collapse_spaces": _collapse_spaces,
}


def normalize(text: str, steps: Iterable[str]) -> str:
    """Apply named steps in order.

    Raises:
        KeyError: for a name that is not in `STEPS`.
    """
    for step in steps:
        text = STEPS[step](text)
    return text
