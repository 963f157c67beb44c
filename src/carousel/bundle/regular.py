"""Regular files of limited size: all that a folder from elsewhere may hold.

A named pipe would be waited for without end, `/dev/zero` be read without end, and opening a device can act on it.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PIECE = 1 << 24  # bytes that are asked for at once


@contextmanager
def opened(path: Path, most: int) -> Iterator[tuple[io.FileIO, int]]:
    """Open a file, and yield it with its size in bytes. Symbolic links are followed: DVC may make them.

    Args:
        path: of the file.
        most: the largest size.

    Raises:
        ValueError: when it is not a regular file, or larger.
        OSError: when it cannot be opened.
    """
    _size(path.stat(), most)  # before it is opened
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with io.FileIO(descriptor) as file:
        yield file, _size(os.fstat(descriptor), most)  # again: another file may have taken the name


def read(path: Path, most: int) -> bytes:
    """Return a file's content.

    Raises:
        ValueError, OSError: as `opened`.
    """
    with opened(path, most) as (file, size):
        content = bytearray(size)
        fill(file, memoryview(content))
    return bytes(content)


def fill(file: io.FileIO, memory: memoryview) -> None:
    """Read as many bytes as a memory has.

    Raises:
        ValueError: when the file ends before.
    """
    done = 0
    while done < len(memory):
        count = file.readinto(memory[done : done + _PIECE])
        if not count:
            raise ValueError("damaged or cut short: it ended while it was read")
        done += count


def _size(found: os.stat_result, most: int) -> int:
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is not a regular file")
    if found.st_size > most:
        raise ValueError(f"has {found.st_size:,} bytes, where {most:,} are the most that are read")
    return found.st_size
