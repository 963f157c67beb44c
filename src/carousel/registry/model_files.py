"""The files of a version beside its bundle: Python that `mlflow.pyfunc` runs, and what tells it which to run."""

import hashlib
import tempfile
from pathlib import Path
from typing import NamedTuple

from carousel.bundle import regular
from carousel.errors import UserError
from carousel.files import json_digest
from carousel.registry.versions import Version, download

FINGERPRINT = "code.fingerprint"  # tag of a version
BUNDLE = Path("artifacts/bundle")  # which has a fingerprint of its own
MOST_BYTES = 1 << 24  # of a file
MOST_FILES = 2_000
_WRITTEN_LATER = "registered_model_meta"  # by MLflow, into the files that it loads
_BYTECODE = "__pycache__"  # of Python, beside files that it imported where they are stored


class ModelFiles(NamedTuple):
    """What was found of a version's files, those of its bundle left out.

    Attributes:
        fingerprint: SHA-256 over their names and contents, but for compiled modules.
        bytecode: names of compiled modules: Python may run them in place of their source.
    """

    fingerprint: str
    bytecode: list[str]


def find(version: Version) -> ModelFiles:
    """Download a version's files and look at them.

    Raises:
        UserError: when a file cannot be read, or is none that was registered.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = download(version.uri, scratch)
        digests = {name: _digest(version, folder / name) for name in _names(version, folder)}
        compiled = sorted(path.relative_to(folder).as_posix() for path in folder.rglob(f"{_BYTECODE}/*"))
    return ModelFiles(json_digest(digests), compiled)


def fingerprint(version: Version) -> str:
    """Return the fingerprint of a version's files, as `find` does."""
    return find(version).fingerprint


def _names(version: Version, folder: Path) -> list[str]:
    names = []
    for path in folder.rglob("*"):
        place = path.relative_to(folder)
        if place.is_relative_to(BUNDLE) or _BYTECODE in place.parts or place.name == _WRITTEN_LATER:
            continue
        if path.is_symlink() or not path.is_dir():
            names.append(place.as_posix())
        if len(names) > MOST_FILES:
            raise UserError(f"{version.uri}: has more than {MOST_FILES} files")
    return sorted(names)


def _digest(version: Version, path: Path) -> str:
    try:
        return hashlib.sha256(regular.read(path, MOST_BYTES)).hexdigest()
    except (ValueError, OSError) as error:
        raise UserError(f"{version.uri}: {path.name}: {error}") from error
