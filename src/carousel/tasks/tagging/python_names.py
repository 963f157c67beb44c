"""What a name means in the standard library: read from its source with `ast`, as Python would resolve it."""

import ast
import builtins
import inspect
import sys
import sysconfig
import warnings
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import resolve_name
from pathlib import Path

KINDS = CLASS, CONSTANT, EXCEPTION, FUNCTION, MODULE, PARAMETER = (
    "CLASS", "CONSTANT", "EXCEPTION", "FUNCTION", "MODULE", "PARAMETER",
)  # fmt: skip
LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "site-packages", "__pycache__"}
_EXCEPTIONS = ("Error", "Exception", "Warning")
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
_Definable = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_BODIES = ("body", "handlers", "orelse", "finalbody")
_BRANCHES = (ast.If, ast.Try, ast.ExceptHandler, ast.With, ast.For, ast.While)  # no scopes of their own
_COMPOUND = (*_BRANCHES, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Definition:
    """A documented module, class or function.

    Attributes:
        name: its full name.
        text: its documentation string, with the indentation removed.
        parameters: of the function, or of the class's `__init__`, without `self` and `cls`.
        scope: kinds of the names that its module and its classes define, and of some that its module imports.
    """

    name: str
    text: str
    parameters: frozenset[str]
    scope: Mapping[str, str]


@dataclass
class Library:
    """The standard library's documented definitions and public names.

    Attributes:
        definitions: in order of module and line.
        members: kinds of the names that each module defines, by its full name.
        kinds: the kinds that a name has anywhere.
    """

    definitions: list[Definition] = field(default_factory=list)
    members: dict[str, dict[str, str]] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def only_kind(self, name: str) -> str | None:
        """Return the kind of a name that has one kind wherever the library defines it."""
        found = self.kinds.get(name, ())
        return next(iter(found)) if len(found) == 1 else None


def read(modules: Container[str]) -> Library:
    """Read the running Python's standard library.

    Args:
        modules: top-level modules whose documentation is wanted; names are read from all.
    """
    library = Library()
    trees: dict[str, tuple[ast.Module, str]] = {}  # and the package that relative imports begin in
    for name, package, path in _files():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the library's own files
            tree = ast.parse(path.read_bytes())
        trees[name] = (tree, package)
        library.members[name] = _members(tree)
        for node in _statements(tree, _COMPOUND):
            if isinstance(node, ast.ClassDef | _FUNCTION):
                library.kinds[node.name].add(_kind(node))
    for name, (tree, package) in trees.items():
        if name.partition(".")[0] in modules:
            scope = _imported(tree, package, library.members) | library.members[name]
            library.definitions += _definitions(tree, (name,), scope)
    return library


def builtin(name: str) -> str | None:
    """Return the kind of a built-in name."""
    if name in ("True", "False", "None", "NotImplemented", "Ellipsis"):
        return CONSTANT
    value = getattr(builtins, name, None)
    if isinstance(value, type):
        return EXCEPTION if issubclass(value, BaseException) else CLASS
    return FUNCTION if callable(value) else None


def _files() -> Iterator[tuple[str, str, Path]]:
    """Yield the library's modules, in order: the full name, the package and the file of each."""
    folder = Path(sysconfig.get_path("stdlib"))
    for top in sorted(sys.stdlib_module_names):
        paths = [folder / f"{top}.py"] if (folder / f"{top}.py").exists() else (folder / top).rglob("*.py")
        for path in sorted(paths, key=lambda path: path.parts):
            parts = path.relative_to(folder).with_suffix("").parts
            if not LEFT_OUT.intersection(parts):
                yield ".".join(parts).removesuffix(".__init__"), ".".join(parts[:-1]), path


def _definitions(node: _Definable, name: tuple[str, ...], scope: Mapping[str, str]) -> Iterator[Definition]:
    parameters: frozenset[str] = frozenset()
    if isinstance(node, ast.ClassDef):
        scope = {**scope, **_members(node)}
        parameters = next((_parameters(child) for child in node.body if _is_init(child)), frozenset())
    elif isinstance(node, _FUNCTION):
        parameters = _parameters(node)
    text = ast.get_docstring(node, clean=False)
    if text:
        yield Definition(".".join(name), inspect.cleandoc(text), parameters, scope)
    for child in _statements(node, _BRANCHES):
        if isinstance(child, ast.ClassDef | _FUNCTION):
            yield from _definitions(child, (*name, child.name), scope)


def _members(node: ast.Module | ast.ClassDef) -> dict[str, str]:
    """Return the kinds of the names that a module or class defines."""
    found: dict[str, str] = {}
    for child in _statements(node, _BRANCHES):
        if isinstance(child, ast.ClassDef | _FUNCTION):
            found[child.name] = _kind(child)
        elif isinstance(child, ast.Assign):
            names = [target.id for target in child.targets if isinstance(target, ast.Name)]
            found |= dict.fromkeys(filter(str.isupper, names), CONSTANT)
    return found


def _imported(tree: ast.Module, package: str, members: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the kinds of the names that a module imports from modules written in Python."""
    found: dict[str, str] = {}
    for child in _statements(tree, _BRANCHES):
        if isinstance(child, ast.Import):
            found |= {alias.name: MODULE for alias in child.names if alias.asname is None}
        elif isinstance(child, ast.ImportFrom) and child.module is not None:
            module = resolve_name("." * child.level + child.module, package)
            source = members.get(module, {})
            found |= {alias.name: source[alias.name] for alias in child.names if alias.name in source}
    return found


def _statements(node: ast.AST, entered: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
    """Yield the statements of a node in order, and those within statements of the types `entered`."""
    for name in _BODIES:
        for child in getattr(node, name, ()):
            yield child
            if isinstance(child, entered):
                yield from _statements(child, entered)


def _kind(node: ast.AST) -> str:
    if not isinstance(node, ast.ClassDef):
        return FUNCTION
    bases = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases]
    return EXCEPTION if any(name.endswith(_EXCEPTIONS) for name in (node.name, *bases)) else CLASS


def _is_init(node: ast.AST) -> bool:
    return isinstance(node, _FUNCTION) and node.name == "__init__"


def _parameters(node: ast.AST) -> frozenset[str]:
    if not isinstance(node, _FUNCTION):
        return frozenset()
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return frozenset(parameter.arg for parameter in every if parameter is not None) - {"self", "cls"}
