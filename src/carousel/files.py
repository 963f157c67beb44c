"""Files that are either whole or absent: written under a temporary name, then renamed."""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from carousel.errors import UserError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on success it takes `target`'s place, on any failure it goes.

    The temporary path does not exist yet: the caller makes it a file or a folder. A reader of `target`
    never sees half of either.

    Raises:
        UserError: when the disk is full, read-only or over quota.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as workspace:
            temporary = Path(workspace) / target.name
            yield temporary
            _flush(temporary)
            _put(temporary, target, Path(workspace) / f"{target.name}.replaced")
    except OSError as error:
        if error.errno is None or isinstance(error, FileNotFoundError | NotADirectoryError):
            raise
        raise UserError(f"{target}: could not be written, and was left as it was: {error.strerror}") from error


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# As libraries say it, which keep no number: the C library, SQLite, PyTorch's archives and C++ streams
_NO_ROOM_TEXT = re.compile(
    "No space left on device|Disk quota exceeded|database or disk is full|PytorchStreamWriter failed writing|"
    "iostream error"
)


def damaged_bytecode(error: BaseException) -> UserError | None:
    """Return the user error of an exception that a compiled module raised which was cut short; None for any other.

    Python writes such a file without an error while the disk is full, and reads it ever after.
    """
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "_compile_bytecode" and "importlib" in code.co_filename:
            path = trace.tb_frame.f_locals.get("bytecode_path")
            return UserError(f"{path}: a compiled module that was cut short, as a full disk leaves it: delete it")
        trace = trace.tb_next
    return None


def no_room(error: BaseException) -> UserError | None:
    """Return the user error of an exception that means no space or no temporary folder, None for any other.

    Libraries write temporary files of their own and wrap the operating system's errors, so those are looked for
    among the causes, and some keep the text of an error alone.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and str(cause.strerror).startswith("No usable temporary directory"):
            return UserError(
                f"TMPDIR: {cause.strerror}; make one of them writable, or let TMPDIR name a folder that is"
            )
        if (number := _number(cause)) in NO_ROOM:
            place = f"{cause.filename}: " if isinstance(cause, OSError) and cause.filename else ""
            scratch = tempfile.tempdir or os.environ.get("TMPDIR") or "/tmp"
            reason = os.strerror(number)
            return UserError(f"{place}{reason}; make room there or in {scratch}, or let TMPDIR name another folder")
        if not isinstance(cause, OSError) and (found := _NO_ROOM_TEXT.search(str(cause))):
            return UserError(f"{Path.cwd()}: {found[0]}; make room there, or in the folder for temporary files")
        cause = cause.__cause__ or cause.__context__
    return None


def _number(error: BaseException) -> int:
    """Return the error number of the operating system; 0 without one."""
    if isinstance(error, shutil.Error):  # copytree keeps the text of each file's error alone
        found = re.search(r"\[Errno (\d+)\]", str(error))
        return int(found[1]) if found else 0
    return (error.errno or 0) if isinstance(error, OSError) else 0


def write_text(target: Path, content: str) -> None:
    """Write UTF-8 text with `\\n` line ends, whole or not at all."""
    write_bytes(target, content.encode("utf-8"))


def write_bytes(target: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with replacing(target) as temporary:
        temporary.write_bytes(content)


def write_json(target: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all."""
    import json

    write_text(target, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def json_digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON: keys in order, ASCII."""
    import json

    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def read_json(source: Path) -> Any:
    """Read JSON that an earlier stage or command wrote.

    Raises:
        UserError: when the file is missing or is not JSON.
    """
    import json

    try:
        return json.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{source}: no such file; `dvc repro` makes it") from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{source}: not valid JSON (line {error.lineno}); `dvc repro --force` remakes it"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{source}: not UTF-8 (byte {error.start}); `dvc repro --force` remakes it") from error


def _put(temporary: Path, target: Path, aside: Path) -> None:
    if not target.is_dir():
        temporary.replace(target)
        return
    if _exchange(temporary, target):
        return
    target.rename(aside)  # a rename cannot replace a folder that has content
    try:
        temporary.replace(target)
    except BaseException:
        aside.rename(target)
        raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two paths in one step, so that a kill leaves neither name empty; False where the system cannot."""
    import ctypes

    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of linux/fs.h
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    return rename is not None and rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _flush(path: Path) -> None:
    """Push a finished file, or each file of a finished folder, to the disk before its rename."""
    for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
