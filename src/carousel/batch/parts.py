"""The parts of an output that is being written: a folder beside it, so that a killed run goes on where it was."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from carousel.errors import UserError
from carousel.files import replacing, write_json

FORMAT = "carousel parts 1"
MANIFEST = "manifest.json"


class Parts:
    """Numbered files, each whole or absent.

    Args:
        output: that they are parts of.
        about: what they depend on, as JSON values: the input, the model, the output's format.
    """

    def __init__(self, output: Path, about: dict[str, Any]) -> None:
        self.output = output
        self.folder = output.with_name(f".{output.name}.parts")
        self.about = {"format": FORMAT, **about}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing the same output.

        Raises:
            UserError: when one does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / "lock", timeout=0):
                yield
        except Timeout as error:
            raise UserError(f"{self.output}: another process is writing it") from error

    def begin(self, *, replace: bool) -> int:
        """Return how many parts there are from an earlier run on the same input.

        Args:
            replace: remove parts that are of something else.

        Raises:
            UserError: when they are of something else.
        """
        manifest = self.folder / MANIFEST
        if manifest.exists():
            found = json.loads(manifest.read_text("utf-8"))
            if found == self.about:
                return len(self.paths())
            if not replace:
                differs = next(key for key in {**self.about, **found} if found.get(key) != self.about.get(key))
                raise UserError(
                    f"{self.folder}: has parts of an interrupted run whose {differs} was another: --force begins "
                    "again"
                )
            manifest.unlink()
        for path in self.paths():
            path.unlink()
        write_json(manifest, self.about)
        return 0

    def paths(self) -> list[Path]:
        """Return the parts that there are, in order."""
        return sorted(self.folder.glob("*.part"))

    @contextmanager
    def writing(self, number: int) -> Iterator[Path]:
        """Yield a temporary path for a part, which becomes the part when it is whole."""
        with replacing(self.folder / f"{number:08}.part") as path:
            yield path

    @contextmanager
    def finishing(self) -> Iterator[Path]:
        """Yield a temporary path for the output, which takes its place when it is whole; the parts are removed."""
        joined = self.folder / self.output.name
        with replacing(joined) as path:
            yield path
        joined.replace(self.output)
        self.remove()

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder)
