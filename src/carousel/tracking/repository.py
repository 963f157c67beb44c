"""The git repository of a folder, as git itself reports it.

The folder may be a subfolder of the repository or lie in a worktree, so nothing looks for `.git`. Git sets GIT_DIR
and others for its hooks; they are left out, because DVC finds the repository by the folder alone, too.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

NOT_GIT = "not a git checkout"
FOLDER = "git.folder"  # the tag of a run whose project is a subfolder of its repository

# Variables that lead git to another repository than the folder's; `git rev-parse --local-env-vars` lists more
_ELSEWHERE = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


class GitError(Exception):
    """What git answered instead of doing what was asked, in one line."""


@dataclass(frozen=True)
class Repository:
    """A folder under version control.

    Attributes:
        top: of the working tree.
        folder: the folder's path from there, with slashes; empty if it is the top itself.
        commit: that is checked out; it has the folder.
    """

    top: Path
    folder: str
    commit: str


def find(root: Path) -> Repository:
    """Return the repository that has a folder.

    Raises:
        GitError: when there is none (then it says NOT_GIT), or git refuses to read it, or it has no commit of the
            folder.
    """
    top = top_of(root)
    folder = _line(git(root, "rev-parse", "--show-prefix")).rstrip("/")
    commit = _line(git(root, "rev-parse", "--verify", "--quiet", "HEAD", codes=(0, 1)))
    if not commit:
        raise GitError(f"the git repository {top} has no commit yet")
    if not git(root, "rev-parse", "--verify", "--quiet", "HEAD:./", codes=(0, 1, 128)):
        raise GitError(f"the git repository {top} has no commit of this folder")
    return Repository(top, folder, commit)


def top_of(root: Path) -> Path:
    """Return the top of the working tree that a folder is in.

    Raises:
        GitError: when it is in none, or git refuses to read it.
    """
    return Path(_line(git(root, "rev-parse", "--show-toplevel"))).resolve()


def is_commit(value: str) -> bool:
    """Whether a recorded value is a commit, and not the reason why there is none."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", value) is not None


def git(root: Path, *arguments: str, codes: tuple[int, ...] = (0,), given: bytes | None = None) -> bytes:
    """Run git in a folder and return what it printed.

    Args:
        root: the folder.
        arguments: after `git`.
        codes: exit codes that are answers.
        given: standard input.

    Raises:
        GitError: for any other exit code, or without git.
    """
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=root,
            env=environment() | {"LC_ALL": "C"},  # its messages are read, in English
            check=False,
            capture_output=True,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed" if Path(root).is_dir() else f"{root}: no such folder") from error
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}") from error
    if done.returncode not in codes:
        raise GitError(_reason(done.stderr.decode("utf-8", "replace")))
    return done.stdout


def environment() -> dict[str, str]:
    """Return the environment without the variables that lead git to another repository than the folder's."""
    return {key: value for key, value in os.environ.items() if key not in _ELSEWHERE}


def _reason(said: str) -> str:
    if said.startswith("fatal: not a git repository (or any of the parent directories)"):
        return NOT_GIT
    words = " ".join(said.split()).removeprefix("fatal: ").removeprefix("error: ")
    return f"git says: {words}" if words else "git says nothing"


def _line(printed: bytes) -> str:
    return os.fsdecode(printed).removesuffix("\n")
