"""Features of tokens for the baseline tagger: the spelling of each word, and the words around it."""

import re
from collections.abc import Sequence
from functools import lru_cache

LONGEST_AFFIX = 4  # characters
_REPEATED = re.compile(r"(.)\1+", re.DOTALL)


def features(tokens: Sequence[str]) -> list[list[str]]:
    """Return the names of each token's binary features; no feature of a token occurs twice.

    They are the lower-cased word, its prefixes and suffixes, its shape, whether it has digits, hyphens and upper
    case, the words up to two tokens away, the shapes and suffixes of adjacent words, pairs of adjacent words, and
    where the sentence begins and ends (after Ratnaparkhi 1996, "A maximum entropy model for part-of-speech
    tagging").
    """
    words = ["\n\n", "\n", *(token.lower() for token in tokens), "\n", "\n\n"]  # line feeds mark begin and end
    around = [_adjacent("\n"), *map(_adjacent, tokens), _adjacent("\n")]
    found = []
    for i, token in enumerate(tokens):
        before, last, word, following, after = words[i : i + 5]
        neighbours = [
            f"-2 {before}",
            f"+2 {after}",
            f"-1,0 {last} {word}",
            f"0,+1 {word} {following}",
            *(f"-1 {feature}" for feature in around[i]),
            *(f"+1 {feature}" for feature in around[i + 2]),
        ]
        found.append([*_spelling(token), *neighbours])
    return found


def shape(word: str) -> str:
    """Return a word as runs of character classes: `X` upper-case, `x` other letters, `d` digits, others themselves.

    `McDonald's` becomes `XxXx'x` (Collins 2002, "Ranking algorithms for named-entity extraction").
    """
    return _REPEATED.sub(r"\1", "".join(map(_character_class, word)))


def _character_class(character: str) -> str:
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return "d" if character.isdigit() else character


@lru_cache(maxsize=100_000)
def _spelling(word: str) -> tuple[str, ...]:
    lower = word.lower()
    lengths = range(1, min(LONGEST_AFFIX, len(lower)) + 1)
    flags = {
        "digits": word.isdigit(),
        "with digit": any(map(str.isdigit, word)),
        "title": word.istitle(),
        "upper": word.isupper(),
        "with upper": word != lower,
        "hyphen": "-" in word,
    }
    return (
        "bias",
        f"word {lower}",
        f"shape {shape(word)}",
        *(f"prefix {lower[:length]}" for length in lengths),
        *(f"suffix {lower[-length:]}" for length in lengths),
        *(name for name, holds in flags.items() if holds),
    )


@lru_cache(maxsize=100_000)
def _adjacent(word: str) -> tuple[str, ...]:
    lower = word.lower()
    return (f"word {lower}", f"shape {shape(word)}", f"suffix {lower[-3:]}")
