"""Names that documentation mentions: certain ones are tagged, sentences with an uncertain one are left out."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from carousel.tasks.tagging.python_names import (
    CLASS,
    CONSTANT,
    EXCEPTION,
    FUNCTION,
    MODULE,
    PARAMETER,
    Definition,
    Library,
    builtin,
)
from carousel.tasks.tagging.schemes import OUTSIDE

_TOKEN = re.compile(r"[^\W_]+(?:-\w+)+|\w+|'\w+|[^\w\s]")
# A word, perhaps with dots, that stands alone, in quotes or in markup, perhaps with the parentheses of a call
_MENTION = re.compile(
    r"(?<![\w.\-/\\'])(?P<mark>``|\*\*|[*`'\"]|)(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?P<call>\(\))?(?P=mark)"
    r"(?![\w\-/\\(]|'(?!s\b)\w|\.\w)"
)
_CODE = re.compile(r">>>|->|[={}\[\]|<>\\%@~^$#]|\w\((?!\))|\.\.\.|:\w|\w/|/\w|--\w")
_ITEM = re.compile(r"\s*(?:[-*o]\s+)?\w+\s*(?::|--?)\s+\S")
_END = re.compile(r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)(?<!\bvs\.)(?<!\bcf\.)\s+")
_IDENTIFIER = re.compile(r"\w*(?:[A-Za-z0-9]_[A-Za-z0-9]|[a-z][A-Z]|^_)\w*")
_PARAMETER_NOUNS = frozenset(["argument", "arguments", "parameter", "parameters", "arg", "args"])
_MODULE_NOUNS = frozenset(["module", "package"])


class UncertainError(ValueError):
    """A word that may or may not be meant as a name."""


@dataclass(frozen=True)
class Mention:
    """A word or a dotted name of a sentence.

    Attributes:
        name: without markup.
        marked: whether it stands in single quotes, asterisks or backticks; double quotes are for strings.
        code: whether it stands in backticks.
        called: whether `()` follows.
        first: whether it begins the sentence.
        before: the word before it in lower case.
        after: what follows it in lower case: a word or a punctuation mark.
    """

    name: str
    marked: bool
    code: bool
    called: bool
    first: bool
    before: str
    after: str


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a documentation string that are prose; items of a list begin a sentence."""
    for paragraph in re.split(r"\n\s*\n", text):
        parts: list[list[str]] = [[]]
        for line in paragraph.splitlines():
            if _ITEM.match(line):
                parts.append([])
            parts[-1].append(line)
        for part in parts:
            for sentence in _END.split(" ".join(" ".join(part).split())):
                if sentence and not _CODE.search(sentence):
                    yield sentence


def tagged(
    sentence: str, definition: Definition, library: Library, words: Container[str]
) -> tuple[list[str], list[str]]:
    """Return the tokens of a sentence and their tags, without the markup that names stand in.

    Args:
        sentence: of the definition's documentation.
        definition: whose names are meant.
        library: where other names are looked up.
        words: words in lower case that documentation uses in their ordinary sense.

    Raises:
        UncertainError: when a word may or may not be meant as a name.
    """
    tokens: list[str] = []
    tags: list[str] = []
    end = 0
    for found in _MENTION.finditer(sentence):
        _add(tokens, tags, sentence[end : found.start()], None)
        end = found.end()
        mention = Mention(
            name=found["name"],
            marked=found["mark"] not in ("", '"'),
            code="`" in found["mark"],
            called=found["call"] is not None,
            first=not any(token.isalnum() for token in tokens),
            before=tokens[-1].lower() if tokens else "",
            after=(re.match(r"\s*(\w+|--?|\S|)", sentence[end:]) or [""])[0].strip().lower(),
        )
        _add(tokens, tags, mention.name, kind(mention, definition, library, words))
    _add(tokens, tags, sentence[end:], None)
    return tokens, tags


def kind(mention: Mention, definition: Definition, library: Library, words: Container[str]) -> str | None:
    """Return the kind of the name that is mentioned, None for an ordinary word; arguments as of `tagged`.

    Raises:
        UncertainError: when it may be either.
    """
    name = mention.name
    if "." in name:
        return _dotted(mention, definition, library)
    if name in definition.parameters:
        if _is_parameter(mention, words):
            return PARAMETER
        raise UncertainError(name)
    if mention.called:
        known = definition.scope.get(name) or library.only_kind(name)
        return known if known in (CLASS, EXCEPTION, FUNCTION) else builtin(name) or FUNCTION
    if mention.after in _MODULE_NOUNS and name in library.members and name != "this":
        return MODULE
    if (known := builtin(name)) in (EXCEPTION, CONSTANT):
        return None if name == "None" and mention.first and mention.after == "of" else known
    return _in_scope(mention, definition, library, words)


def _in_scope(mention: Mention, definition: Definition, library: Library, words: Container[str]) -> str | None:
    name = mention.name
    known = definition.scope.get(name)
    identifier = _IDENTIFIER.fullmatch(name) is not None
    if identifier:
        known = known or library.only_kind(name)
    if identifier or mention.code:
        if known is None:
            raise UncertainError(name)
        return known
    if known in (CLASS, EXCEPTION, CONSTANT) and name[0].isupper():
        if known != CONSTANT and (mention.first or name.isupper()):  # `Message`, `FTP`: also ordinary words
            raise UncertainError(name)
        return known
    if mention.marked and name.lower() not in words:
        raise UncertainError(name)
    return None


def _is_parameter(mention: Mention, words: Container[str]) -> bool:
    return (
        mention.marked
        or _IDENTIFIER.fullmatch(mention.name) is not None
        or mention.name.lower() not in words
        or mention.after in _PARAMETER_NOUNS
        or mention.before in _PARAMETER_NOUNS
        or (mention.first and mention.after in (":", "-", "--"))
    )


def _dotted(mention: Mention, definition: Definition, library: Library) -> str | None:
    name = mention.name
    if name in library.members:
        return MODULE
    owner, _, member = name.rpartition(".")
    known = library.members.get(owner, {}).get(member)
    if known is not None:
        return known
    known = library.only_kind(member)
    if mention.called:
        return known if known in (CLASS, EXCEPTION) else FUNCTION
    if definition.scope.get(owner) == CLASS and known is not None:
        return known
    raise UncertainError(name)


def _add(tokens: list[str], tags: list[str], text: str, kind: str | None) -> None:
    if "()" in text:
        raise UncertainError(text)
    found = _TOKEN.findall(text)
    tokens += found
    tags += [OUTSIDE if kind is None else f"{'I' if place else 'B'}-{kind}" for place in range(len(found))]
