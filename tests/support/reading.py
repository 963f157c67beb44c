"""One file, written and read, or refused, whatever a task reads from it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from carousel.corpus.document import Collected
from carousel.errors import UserError


def put(folder: Path, name: str, content: bytes | str) -> None:
    """Write a file, and the folder that it lies in."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@dataclass(frozen=True)
class Reading:
    """How a task reads files: by which settings and function, into which columns.

    Attributes:
        data: the task's section `data`.
        read: its reader.
        schema: of the documents that it returns.
        columns: those that the file gives, such as `text` and `label`.
    """

    data: Callable[..., Any]
    read: Callable[[Any, Path], Collected]
    schema: dict[str, Any]
    columns: tuple[str, ...]

    def read_file(
        self, folder: Path, name: str, content: bytes | str, **data: Any
    ) -> tuple[list[tuple[Any, ...]], dict[int, str]]:
        """Write one file and read it: its rows, by `columns`, and the reason by line of those rejected."""
        put(folder, name, content)
        collected = self.read(self.data(source="file", path=name, **data), folder)
        assert collected.documents.schema == self.schema
        assert {row.file for row in collected.rejected} <= {name}
        return collected.documents.select(self.columns).rows(), {row.line: row.reason for row in collected.rejected}

    def refused(self, folder: Path, name: str, content: bytes | str, **data: Any) -> str:
        """Return the message that a file leads to, which begins with its path."""
        with pytest.raises(UserError) as error:
            self.read_file(folder, name, content, **data)
        message = str(error.value)
        assert message.startswith(f"{folder / name}: ")
        assert "\n" not in message
        return message.removeprefix(f"{folder / name}: ")
