"""The built-in data set: documentation strings of the running Python's standard library, by topic.

It needs no download, and is the same for one Python version, which is recorded with it.
"""

import ast
import inspect
import platform
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from carousel.errors import UserError
from carousel.params import read_yaml
from carousel.tasks.classification.document import SCHEMA

LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "site-packages", "__pycache__"}
MIN_WORDS = 4


def read(topics_file: Path) -> pl.DataFrame:
    """Read the documentation strings of all modules that `topics_file` gives a topic.

    Args:
        topics_file: YAML, each topic with a list of top-level modules.

    Returns:
        A frame of `document.SCHEMA` without splits, in order of module and line; a text that several
        definitions share (inherited documentation) is there once.

    Raises:
        UserError: when the file is missing or is not such a list.
    """
    topics = read_yaml(topics_file, "data.source: stdlib_docs reads its topics there")
    if not isinstance(topics, dict) or not all(map(_are_names, topics.values())):
        raise UserError(f"{topics_file}: should hold topics, each with a list of module names")
    topic_of = {module: topic for topic, modules in topics.items() for module in modules}
    library = Path(sysconfig.get_path("stdlib"))
    rows, seen = [], set()
    for path in sorted(library.rglob("*.py"), key=lambda path: path.relative_to(library).parts):
        module = path.relative_to(library).with_suffix("").parts
        topic = topic_of.get(module[0])
        if topic is None or LEFT_OUT.intersection(module):
            continue
        for name, text in _documentation(path):
            if len(text.split()) >= MIN_WORDS and text not in seen:
                seen.add(text)
                rows.append((".".join((*module, *name)), text, topic, None))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def origin() -> dict[str, str]:
    """Return what the data set depends on."""
    return {"python": platform.python_version()}


def _are_names(modules: Any) -> bool:
    return isinstance(modules, list) and all(isinstance(module, str) for module in modules)


def _documentation(path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in the library's own files
        tree = ast.parse(path.read_bytes())
    yield from _walk(tree, ())


def _walk(node: ast.AST, name: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        if not isinstance(node, ast.Module):
            name = (*name, node.name)
        text = ast.get_docstring(node, clean=False)
        if text:
            yield name, inspect.cleandoc(text)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, name)
