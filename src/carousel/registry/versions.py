"""Registered versions: made from bundles, found by number, alias or fingerprint."""

import contextlib
import importlib.metadata
import io
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carousel.bundle.bundle import Bundle
from carousel.errors import UserError
from carousel.tracking import description
from carousel.tracking.store import exclusive

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

CHAMPION, CHALLENGER = "champion", "challenger"

# Tags of a version
FINGERPRINT = "bundle.fingerprint"
TEST_DIGEST = "test.digest"
ACCURACY, MACRO_F1, BASELINE = "test.accuracy", "test.macro_f1", "baseline.accuracy"
TEST = {"accuracy": ACCURACY, "macro_f1": MACRO_F1}  # the figures by metric, as params.yaml names them
BASELINES = {"accuracy": BASELINE, "macro_f1": "baseline.macro_f1"}
RETIRED = "retired"

# What a bundle imports, of this project and of others: all that travels with a version
_INFERENCE_CODE = ("__init__.py", "errors.py", "files.py", "text", "nn", "bundle")
_INFERENCE_REQUIREMENTS = ("mlflow", "torch", "numpy", "safetensors")
_EXAMPLE = ["Return a new event loop for the current thread.", "Parse an XML document."]


@dataclass(frozen=True)
class Version:
    """A registered version as people talk of it."""

    name: str
    number: int
    aliases: tuple[str, ...]
    created: int
    run_id: str
    tags: dict[str, str]

    @property
    def uri(self) -> str:
        """What `mlflow.pyfunc.load_model` takes."""
        return f"models:/{self.name}/{self.number}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        return {**asdict(self), "aliases": list(self.aliases), "uri": self.uri}


def register(
    client: "MlflowClient", name: str, bundle: Bundle, folder: Path, run_id: str, tags: dict[str, str]
) -> tuple[Version, bool]:
    """Register a bundle as the challenger, unless a version already holds its fingerprint.

    Args:
        client: of the store.
        name: of the registered model.
        bundle: already verified.
        folder: its files.
        run_id: the active run, to which the logged model belongs.
        tags: of the version.

    Returns:
        The version, and whether it is new.
    """
    import mlflow

    fingerprint = bundle.fingerprint
    with exclusive():
        _create_model(client, name)
        for version in versions(client, name):
            if version.tags.get(FINGERPRINT) == fingerprint:
                return version, False
        with tempfile.TemporaryDirectory() as scratch, _no_bytecode():
            model = mlflow.pyfunc.log_model(
                name="bundle",
                python_model=str(Path(__file__).parents[1] / "bundle" / "pyfunc.py"),
                artifacts={"bundle": str(folder)},
                code_paths=[str(_inference_code(Path(scratch)))],
                pip_requirements=requirements(),
                input_example=_EXAMPLE,
                signature=_signature(bundle),
                tags={FINGERPRINT: fingerprint},
            )
        with contextlib.redirect_stderr(io.StringIO()):  # it announces what the stage itself says
            made = mlflow.register_model(model.model_uri, name, tags={FINGERPRINT: fingerprint, **tags})
        client.set_registered_model_alias(name, CHALLENGER, made.version)
        return get(client, name, made.version), True


def tag(client: "MlflowClient", version: Version, tags: dict[str, str]) -> None:
    """Set tags of a version."""
    for key, value in tags.items():
        client.set_model_version_tag(version.name, str(version.number), key, value)


def describe(client: "MlflowClient", version: Version) -> None:
    """Describe a version in Markdown, unless it is described already."""
    number = str(version.number)
    if not client.get_model_version(version.name, number).description:
        text = description.of_version(client.get_run(version.run_id).data, version.uri)
        client.update_model_version(version.name, number, description=text)


def versions(client: "MlflowClient", name: str) -> list[Version]:
    """Return all versions of a model, newest first; none if there is no such model."""
    import mlflow

    try:
        model = client.get_registered_model(name)
    except mlflow.MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return []
        raise UserError(f"{mlflow.get_registry_uri()}: the registry cannot be used: {error.message}") from error
    aliases: dict[int, list[str]] = {}
    for alias, number in model.aliases.items():
        aliases.setdefault(int(number), []).append(alias)
    found: Iterable[ModelVersion] = _paged(client, name)
    return sorted(
        (_version(version, aliases.get(int(version.version), [])) for version in found),
        key=lambda version: -version.number,
    )


def get(client: "MlflowClient", name: str, which: str | int) -> Version:
    """Return the version with that number or alias.

    Raises:
        UserError: when there is none; it names those that there are.
    """
    known = versions(client, name)
    wanted = str(which).removeprefix("@")
    for version in known:
        if wanted in (str(version.number), *version.aliases):
            return version
    if not known:
        raise UserError(f"{name}: has no registered version yet; `dvc repro` registers one")
    numbers = ", ".join(str(version.number) for version in reversed(known))
    aliases = ", ".join(sorted(alias for version in known for alias in version.aliases)) or "none"
    raise UserError(f"{name}: has no version {wanted!r}; versions: {numbers}; aliases: {aliases}")


def fetch(version: Version) -> Bundle:
    """Download a version's bundle, and verify it."""
    with tempfile.TemporaryDirectory() as scratch:
        return Bundle.load(download(f"{version.uri}/artifacts/bundle", scratch))


def download(uri: str, scratch: str) -> Path:
    """Download a version's or run's files into a folder, and return where they lie in it.

    Raises:
        UserError: when they cannot be read.
    """
    import mlflow

    try:
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=scratch))
    except (mlflow.MlflowException, OSError) as error:
        raise UserError(f"{uri}: its files cannot be read: {str(error).strip().splitlines()[0]}") from error


def requirements() -> list[str]:
    """Return the exact versions that inference needs, without a build's local suffix (`+cpu`)."""
    return [f"{name}=={importlib.metadata.version(name).split('+')[0]}" for name in _INFERENCE_REQUIREMENTS]


def _signature(bundle: Bundle) -> "ModelSignature":
    """Return what a version's answers look like; its input has no schema, for reasons given in `bundle.pyfunc`."""
    from mlflow.models import ModelSignature, infer_signature

    outputs = infer_signature(model_output=[asdict(answer) for answer in bundle.predict(_EXAMPLE)]).outputs
    return ModelSignature(outputs=outputs)


@contextlib.contextmanager
def _no_bytecode() -> Iterator[None]:
    """Keep Python's cache of compiled modules out of a logged model: MLflow runs its code before it stores it."""
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = written


def _inference_code(scratch: Path) -> Path:
    source, target = Path(__file__).parents[1], scratch / "carousel"
    target.mkdir()
    for item in _INFERENCE_CODE:
        if (source / item).is_dir():
            shutil.copytree(source / item, target / item, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / item, target / item)
    return target


def _create_model(client: "MlflowClient", name: str) -> None:
    import mlflow

    try:
        client.create_registered_model(name, description=description.OF_MODEL)
    except mlflow.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise UserError(f"{mlflow.get_registry_uri()}: cannot register {name}: {error.message}") from error


def _paged(client: "MlflowClient", name: str) -> "Iterable[ModelVersion]":
    token: str | None = None
    while True:
        page = client.search_model_versions(f"name='{name}'", max_results=200, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _version(version: "ModelVersion", aliases: list[str]) -> Version:
    return Version(
        name=version.name,
        number=int(version.version),
        aliases=tuple(sorted(aliases)),
        created=int(version.creation_timestamp),
        run_id=version.run_id or "",
        tags=dict(version.tags),
    )
