"""The model that a command predicts with: a bundle's folder, or a registered version."""

import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carousel.cli.project import user_path
from carousel.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from carousel.predictor import Predictor
    from carousel.registry.versions import Version

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A registered version: models:/NAME@ALIAS, models:/NAME/NUMBER, or a number or alias alone.",
    ),
]
BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        "-b",
        parser=user_path,
        metavar="FOLDER",
        help="Folder of a bundle, instead of a registered version.",
    ),
]


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to predict.

    Attributes:
        predictor: of the model.
        source: what to call it.
        fingerprint: of its bundle.
        runtime: what predicts, torch or onnxruntime.
    """

    predictor: "Predictor"
    source: str
    fingerprint: str
    runtime: str = "torch"

    @property
    def identity(self) -> str:
        """The fingerprint and the runtime: what the predictions depend on."""
        return f"{self.fingerprint} {self.runtime}"


def load(model: str | None, folder: Path | None, *, exported: bool = False) -> Loaded:
    """Load and verify the bundle in a folder, or a registered version: the named one, or that of `find`.

    Args:
        model: the version.
        folder: the bundle.
        exported: use the version's export in fp32, which is faster, if it has one and onnxruntime is installed.

    Raises:
        UserError: when both are named, or it cannot be read.
    """

    if model and folder:
        raise UserError("--model and --bundle both name a model: give one")
    if folder is not None:
        from carousel.bundle.bundle import BundleError
        from carousel.predictor import predictor, read

        bundle = read(folder)
        try:
            return Loaded(predictor(bundle), str(folder), bundle.fingerprint)
        except BundleError as error:
            raise BundleError(f"{folder}/{error}") from error
    _, version = find(model)
    return load_version(version, exported=exported)


def load_version(version: "Version", *, exported: bool = False) -> Loaded:
    """Load and verify a registered version, as `load` does."""
    from carousel.registry.versions import fetch, predictor_of

    if exported and (found := _export(version)):
        return found

    bundle = fetch(version)
    return Loaded(predictor_of(version, bundle), title(version), bundle.fingerprint)


def find(model: str | None) -> "tuple[MlflowClient, Version]":
    """Find the version of that number, alias or address; without one, the champion or else the challenger.

    Raises:
        UserError: when there is none.
    """
    from carousel.registry.live import default
    from carousel.registry.versions import get
    from carousel.tracking.store import connect

    name, which = _parse(model)
    client = connect(create=False)
    return client, default(client, name) if which is None else get(client, name, which)


def _export(version: "Version") -> Loaded | None:
    """Return a version's export, verified; None if it has none, or nothing here can run it."""
    from carousel.registry.exports import fetch, how_to_write
    from carousel.registry.versions import FINGERPRINT
    from carousel.runtime import of
    from carousel.runtime.model_file import ModelFile, ModelFileError

    if find_spec("onnxruntime") is None:
        return None
    again = how_to_write(version)
    with tempfile.TemporaryDirectory() as scratch:
        path = fetch(version, "fp32", Path(scratch))
        if path is None:
            return None
        try:
            file = ModelFile.load(path)
        except ModelFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise UserError(f"{version.uri}: its export fp32: {reason}; {again}") from error
    fingerprint = file.description.bundle
    if fingerprint != version.tags.get(FINGERPRINT):
        raise UserError(f"{version.uri}: its export fp32 is of another bundle; {again}")
    return Loaded(of(file), f"{title(version)}, exported", fingerprint, "onnxruntime")


def title(version: "Version") -> str:
    """Return what to call a version: `topics version 3 (champion)`."""
    return f"{version.name} version {version.number} ({', '.join(version.aliases) or 'no alias'})"


def _parse(model: str | None) -> tuple[str, str | None]:
    """Return the registered model's name and the version's number or alias."""
    if model is not None and "/" in model:
        from carousel.registry.model_ref import parse

        return parse(model)
    from carousel.params import load as load_params

    return load_params().registry.name, model
