"""The exported models that a registered version keeps: artifacts of its run, and a tag with the digest of each."""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from carousel.errors import UserError
from carousel.registry.versions import FINGERPRINT, Version, download
from carousel.runtime.model_file import ModelFile
from carousel.tracking.store import exclusive, has_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAG = "export."  # of a version, and the kind: the SHA-256 of the file
FOLDER = "exports"  # of the run's artifacts: {kind}.onnx
STEP = "-step"


def kind(precision: str, *, step: bool = False) -> str:
    """Return what a version's exports are told apart by: `fp32`, `int8`, `int8-step`."""
    return precision + STEP * step


def kinds(version: Version) -> list[str]:
    """Return which exports a version has."""
    return sorted(tag.removeprefix(TAG) for tag in version.tags if tag.startswith(TAG))


def how_to_write(version: Version) -> str:
    """Return the command that replaces a version's exports, and what it does."""
    return f"`carousel export {version.number} --out model.onnx` writes it again"


def fetch(version: Version, kind: str, folder: Path) -> Path | None:
    """Download one of a version's exports into a folder, and verify it.

    Args:
        version: registered.
        kind: one of `kinds`.
        folder: that the file is put into.

    Returns:
        The file; None if the version has no such export.

    Raises:
        UserError: when it cannot be read, or is another one than was logged.
    """
    digest = version.tags.get(f"{TAG}{kind}")
    if digest is None:
        return None
    file = download(f"runs:/{version.run_id}/{FOLDER}/{kind}.onnx", str(folder))
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != digest:
        raise UserError(
            f"{version.uri}: its export {kind} is another file than was logged: its SHA-256 is {found}, the tag "
            f"says {digest}; {how_to_write(version)}"
        )
    return file


def log(client: "MlflowClient", version: Version, file: Path) -> str:
    """Keep an exported model with the version that it was made of, and return its kind.

    Raises:
        UserError: when it was made of another bundle, the version's run is gone, or the store is read-only.
    """
    model = ModelFile.load(file)
    which = kind(model.description.precision, step=model.description.step)
    if model.description.bundle != version.tags.get(FINGERPRINT):
        raise UserError(f"{version.uri}: {file} was exported from another bundle than the version's")
    if not has_run(client, version.run_id):
        raise UserError(f"{version.uri}: its run is gone, which would keep the export")
    with exclusive():
        _log(client, version.run_id, file, f"{which}.onnx")
        digest = hashlib.sha256(model.content).hexdigest()
        client.set_model_version_tag(version.name, str(version.number), f"{TAG}{which}", digest)
    return which


def _log(client: "MlflowClient", run_id: str, file: Path, name: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:  # MLflow takes a file's own name
        client.log_artifact(run_id, shutil.copyfile(file, Path(scratch) / name), FOLDER)
