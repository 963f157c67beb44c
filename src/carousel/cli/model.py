"""The model that a command predicts with: a bundle's folder, or a registered version."""

from dataclasses import dataclass
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
        recorded: fingerprint of a registered version's bundle; empty for a folder.
        runtime: that predicts.
    """

    predictor: "Predictor"
    source: str
    recorded: str = ""
    runtime: str = "torch"

    @property
    def identity(self) -> str:
        """The fingerprint and the runtime: what the predictions depend on."""
        return f"{self.recorded or self.predictor.to_bundle().fingerprint} {self.runtime}"


def load(model: str | None, folder: Path | None) -> Loaded:
    """Load and verify the bundle in a folder, or a registered version: the named one, or that of `find`.

    Raises:
        UserError: when both are named, or it cannot be read.
    """
    from carousel.predictor import load as load_bundle

    if model and folder:
        raise UserError("--model and --bundle both name a model: give one")
    if folder is not None:
        return Loaded(load_bundle(folder), str(folder))
    _, version = find(model)
    return load_version(version)


def load_version(version: "Version") -> Loaded:
    """Load and verify a registered version."""
    from carousel.registry.versions import fetch, predictor_of

    bundle = fetch(version)
    return Loaded(predictor_of(version, bundle), title(version), bundle.fingerprint)


def find(model: str | None) -> "tuple[MlflowClient, Version]":
    """Find the version of that number, alias or address; without one, the champion or else the challenger.

    Raises:
        UserError: when there is none.
    """
    from carousel.registry.versions import CHALLENGER, CHAMPION, get, versions
    from carousel.tracking.store import connect

    name, which = _parse(model)
    client = connect(create=False)
    if which is None:
        aliases = {alias for version in versions(client, name) for alias in version.aliases}
        which = CHALLENGER if CHALLENGER in aliases and CHAMPION not in aliases else CHAMPION
    return client, get(client, name, which)


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
