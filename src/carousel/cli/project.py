"""The project that a command works in, and the folder that its user is in."""

import functools
import os
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from carousel import layout
from carousel.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")

# Where the command was typed, if it is not the project's root
_user_folder: ContextVar[Path | None] = ContextVar("_user_folder", default=None)


def enter() -> None:
    """Change to the root of the project that the current folder is in, if it is in one.

    Raises:
        UserError: when the current folder was deleted.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError as error:
        raise UserError("the current folder was deleted; change to another one") from error
    root = next((folder for folder in (here, *here.parents) if _is_root(folder)), here)
    if root != here:
        _user_folder.set(here)
        os.chdir(root)


def inside(command: Callable[P, R]) -> Callable[P, R]:
    """Return a command that ends with a user error outside of any project."""

    @functools.wraps(command)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        here = Path.cwd()
        if not _is_root(here):
            raise UserError(
                f"{here}: not in a project: no folder from here upwards has {layout.PARAMS} and {layout.PIPELINE}"
            )
        return command(*args, **kwargs)

    return checked


def user_path(typed: Any) -> Path:
    """Return a path that the user typed, relative to the folder that the user is in.

    `-`, for standard input, stays as it is.
    """
    folder = _user_folder.get()
    if folder is None or str(typed) == "-":
        return Path(typed)
    return Path(os.path.normpath(folder / typed))


def user_model(typed: str) -> str:
    """Return a model that the user typed: a bundle's folder as in `user_path`, any other name as it is."""
    if _user_folder.get() is None:
        return typed
    from carousel.bundle.bundle import CONFIG

    path = user_path(typed)
    is_path = "/" in typed and not typed.startswith("models:/")
    return str(path) if is_path or (path / CONFIG).exists() else typed


def _is_root(folder: Path) -> bool:
    return (folder / layout.PARAMS).is_file() and (folder / layout.PIPELINE).is_file()
