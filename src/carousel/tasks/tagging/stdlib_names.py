"""The built-in data set: names of Python that the standard library's documentation mentions, by kind.

It needs no download, and is the same for one Python version, which is recorded with it. Each document is a
sentence of a documentation string; its tags are B-, I- and O, for six kinds of names:

| kind | a name that |
|---|---|
| `PARAMETER` | the signature of the documented function (of a class, of its `__init__`) has |
| `FUNCTION` | `def` defines, or that is followed by `()`; methods are functions, too |
| `CLASS`, `EXCEPTION` | `class` defines, or that is built in |
| `MODULE` | is a module of the library, with dots, or before the word `module` or `package` |
| `CONSTANT` | is `None`, `True`, `False`, or is in capitals and assigned by the module or class |

A name is looked up in the function's signature, its class, its module and its imports, then among built-in names,
and if it is spelled like an identifier (`max_length`, `OrderedDict`) also in the rest of the library.

A word such as `name` or `file` may be a parameter's name or an ordinary word. It is tagged if its sentence marks
it as a name: in single quotes, asterisks or backticks, beside the word `argument` or `parameter`, or at the
beginning of a list item. It is also tagged if it is spelled like an identifier, or occurs in the documentation
only as the name of a parameter. A sentence in which a word may be either is left out. So is one that looks like
code, or mentions an identifier that the library's Python source does not define, or defines as several kinds.
Quotes, asterisks and backticks around a name, and `()` after it, are removed: the tag has to be learned from the
words.

What is wrong with it: functions and classes in lowercase that the documentation does not mark (`see localtime`)
are not tagged; a word in single quotes that is spelled like a parameter (`'r'`) is tagged even if it is a value;
names that only C code defines are left out together with their sentences; and the choice of sentences favours
those in which the documentation's authors marked names.
"""

import platform
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from carousel.errors import UserError
from carousel.params import read_yaml
from carousel.tasks.tagging import mentions, python_names
from carousel.tasks.tagging.document import SCHEMA

MIN_TOKENS, MAX_TOKENS = 4, 60
_WORD = re.compile(r"\w+")


def read(topics_file: Path) -> pl.DataFrame:
    """Read the sentences of the documentation strings of all modules that `topics_file` names.

    Args:
        topics_file: YAML, each topic with a list of top-level modules, as for the `stdlib_docs` of classification.
            The topics themselves are not used.

    Returns:
        A frame of `tagging.document.SCHEMA` without intents and splits, in order of module and line; sentences of
        equal tokens are there once.

    Raises:
        UserError: when the file is missing or is not such a list.
    """
    topics = read_yaml(topics_file, "data.source: stdlib_names reads the names of modules there")
    if not isinstance(topics, dict) or not all(map(_are_names, topics.values())):
        raise UserError(f"{topics_file}: should hold topics, each with a list of module names")
    library = python_names.read({module for modules in topics.values() for module in modules})
    words = _ordinary_words(library)
    rows, seen = [], set()
    numbers: Counter[str] = Counter()  # of sentences: a name may be defined twice, such as a property
    for definition in library.definitions:
        for sentence in mentions.sentences(definition.text):
            numbers[definition.name] += 1
            try:
                tokens, tags = mentions.tagged(sentence, definition, library, words)
            except mentions.UncertainError:
                continue
            if MIN_TOKENS <= len(tokens) <= MAX_TOKENS and tuple(tokens) not in seen:
                seen.add(tuple(tokens))
                rows.append((f"{definition.name}:{numbers[definition.name]}", tokens, tags, None, None))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def origin() -> dict[str, str]:
    """Return what the data set depends on."""
    return {"python": platform.python_version()}


def _are_names(modules: Any) -> bool:
    return isinstance(modules, list) and all(isinstance(module, str) for module in modules)


def _ordinary_words(library: python_names.Library) -> set[str]:
    """Return the words, in lower case, that occur where they are not the name of a parameter."""
    return {
        word.lower()
        for definition in library.definitions
        for word in _WORD.findall(definition.text)
        if word not in definition.parameters
    }
