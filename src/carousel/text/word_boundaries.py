"""Unicode word boundaries (UAX #29, section 4) as one regular expression, equal in Python's `re` and in Rust.

The classes are built from the general categories of Python's Unicode data, since `re` knows no Unicode properties.
Tailored for text classification, as the annex permits:

- A full stop or colon separates letters (`end.Start`, `os.path`), which the annex joins. Numbers keep it (`3.14`).
- White space and zero-width space are no tokens.

Ideographs and the letters of scripts that write no spaces between words (Thai, Lao, Khmer, Myanmar, …) are words by
themselves, each with its combining marks. Katakana and Hangul are joined. Beyond the Basic Multilingual Plane,
blocks of historic scripts and mathematical letters count as letters throughout: `re` tests a class with many ranges
up there one range at a time.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

# Python's str.split() and \s also match the four ASCII separators, which Rust's \s does not know
SPACE = r"\s\x1c-\x1f\u200b"

_KATAKANA = (
    (0x3031, 0x3035), (0x309B, 0x309C), (0x30A0, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0x32D0, 0x32FE),
    (0x3300, 0x3357), (0xFF66, 0xFF9D), (0x1B000, 0x1B000), (0x1B164, 0x1B167),
)  # fmt: skip
# Scripts that write no spaces between words: those whose characters are words or syllables, …
_SYLLABIC = (
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF), (0x20000, 0x3FFFF),  # Han
    (0x3041, 0x309A), (0x309D, 0x309F), (0x1B001, 0x1B163), (0x1F200, 0x1F200),  # Hiragana
)  # fmt: skip
# … and those of Line_Break=Complex_Context (Thai, Lao, Myanmar, Khmer, Tai, Ahom)
_COMPLEX = (
    (0x0E00, 0x0E7F), (0x0E80, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x197F), (0x1980, 0x19DF),
    (0x19E0, 0x19FF), (0x1A20, 0x1AAF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F), (0xAA80, 0xAADF), (0x11700, 0x1174F),
)  # fmt: skip
_UNDELIMITED = (*_SYLLABIC, *_COMPLEX)
_PICTOGRAPHS = ((0xA9, 0xA9), (0xAE, 0xAE), (0x203C, 0x203C), (0x2049, 0x2049), (0x2122, 0x2122), (0x2139, 0x2139),
                (0x2190, 0x21FF), (0x2300, 0x23FF), (0x25A0, 0x27BF), (0x2900, 0x297F), (0x2B00, 0x2BFF),
                (0x3030, 0x3030), (0x303D, 0x303D), (0x3297, 0x3297), (0x3299, 0x3299), (0x1F000, 0x1F1E5),
                (0x1F201, 0x1F3FA), (0x1F400, 0x1FAFF))  # fmt: skip
_SKIN_TONES = (0x1F3FB, 0x1F3FF)
_TAGS_AND_SELECTORS = ((0xE0001, 0xE007F), (0xE0100, 0xE01EF))  # of emoji flags and of variants
_HISTORIC_LETTERS = (
    (0x10000, 0x116FF),
    (0x11750, 0x1AFFF),
    (0x1B170, 0x1CFFF),
    (0x1D400, 0x1D7CB),
    (0x1E000, 0x1EEFF),
)
_MATHEMATICAL_DIGITS = (0x1D7CE, 0x1D7FF)
_ZERO_WIDTH_SPACE = 0x200B
_APOSTROPHES = r"'\u2018\u2019\uff07"
_IN_NUMBERS = r"'.,;\u2018\u2019\u2024\u2044\u066b\u066c\uff07\uff0c\uff0e"


@cache
def pattern() -> str:
    """Return the expression; every match is a token."""
    classes = _classes()
    extend = f"[{classes['extend']}]*"
    letter, digit = f"[{classes['letter']}]{extend}", f"[{classes['digit']}]{extend}"
    joiner, katakana = f"[{classes['joiner']}]{extend}", f"[{_body(_KATAKANA)}]{extend}"
    letters = f"{letter}(?:[{_APOSTROPHES}]{letter})*"  # WB5 to WB7
    digits = f"{digit}(?:[{_IN_NUMBERS}]{digit})*"  # WB8, WB11, WB12
    run = f"(?:(?:{letters}|{digits})+|(?:{katakana})+)"  # WB9, WB10, WB13
    word = f"(?:{joiner})*{run}(?:(?:{joiner})+{run})*(?:{joiner})*|(?:{joiner})+"  # WB13a, WB13b
    flag = rf"(?:[\U0001f1e6-\U0001f1ff]{extend}){{2}}"  # WB15, WB16
    # WB3c, WB4: any other character alone with its marks; pictographs that a zero-width joiner joins
    other = rf"[^{SPACE}](?:{extend}\u200d[{_body(_PICTOGRAPHS)}])*{extend}"
    return f"{word}|{flag}|{other}"


@cache
def syllabic() -> re.Pattern[str]:
    """Return an expression for one ideograph or Hiragana."""
    return re.compile(f"[{_body(_SYLLABIC)}]")


def undelimited(text: str) -> int:
    """Return how many characters of a text belong to scripts that write no spaces between words."""
    return sum(any(first <= ord(char) <= last for first, last in _UNDELIMITED) for char in text)


def _classes() -> dict[str, str]:
    """Return the bodies of character classes."""
    undelimited = {
        code for first, last in (*_UNDELIMITED, *_KATAKANA) for code in range(first, min(last, 0xFFFF) + 1)
    }
    found: dict[str, list[int]] = {"letter": [], "digit": [], "joiner": [0x202F], "extend": []}
    for code in range(0x10000):
        category = unicodedata.category(chr(code))
        if category[0] == "M" or (category == "Cf" and code != _ZERO_WIDTH_SPACE):
            found["extend"].append(code)
        elif category == "Nd":
            found["digit"].append(code)
        elif category == "Pc":
            found["joiner"].append(code)
        elif (category[0] == "L" or category == "Nl" or 0x24B6 <= code <= 0x24E9) and code not in undelimited:
            found["letter"].append(code)
    beyond = {
        "letter": _HISTORIC_LETTERS,
        "digit": (_MATHEMATICAL_DIGITS,),
        "joiner": (),
        "extend": (_SKIN_TONES, *_TAGS_AND_SELECTORS),
    }
    return {name: _body(_ranges(sorted(codes))) + _body(beyond[name]) for name, codes in found.items()}


def _ranges(codes: Iterable[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return ranges


def _body(ranges: Iterable[tuple[int, int]]) -> str:
    """Return the inside of a character class, in ASCII."""
    return "".join(rf"\U{first:08x}" if first == last else rf"\U{first:08x}-\U{last:08x}" for first, last in ranges)
