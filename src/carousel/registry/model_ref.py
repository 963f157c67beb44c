"""A model as people name it: a bundle's folder, a version's number or alias, a `models:/` address, or a run."""

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from carousel.bundle.bundle import CONFIG, Bundle, BundleError
from carousel.comparison.model_comparison import ModelInfo
from carousel.comparison.predictions import Predictions
from carousel.corpus.training_data import TOKENIZER, VOCABULARY
from carousel.errors import UserError
from carousel.predictor import Predictor, predictor, read
from carousel.registry.versions import (
    FINGERPRINT,
    TEST_DIGEST,
    Version,
    download,
    fetch,
    get,
    saved_bytes,
    versions,
)
from carousel.times import local_time
from carousel.tracking.run import PREDICTIONS
from carousel.tracking.store import connect, has_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class ModelRef:
    """One of the models that are compared.

    Attributes:
        title: what to call it: `stdlib-docs version 2 (champion)`, `models/bundle`.
        version: that it is registered as, if it is.
        run_id: that trained it; empty for a bare bundle.
        folder: of a bare bundle.
        trained: when, in seconds since 1970; for a bare bundle, when its files were written.
    """

    title: str
    version: Version | None = None
    run_id: str = ""
    folder: Path | None = None
    trained: float = 0.0

    def load(self) -> Bundle:
        """Load and verify its bundle.

        Raises:
            UserError: when its files cannot be read, or are not those of the version.
        """
        if self.folder:
            return read(self.folder)
        assert self.version is not None
        return fetch(self.version)

    def predictions(self, client: "MlflowClient") -> Predictions | None:
        """Return the predictions that its run logged; none for a bare bundle."""
        return logged_predictions(client, self.run_id) if self.run_id else None

    def tested_on(self) -> str | None:
        """Return the digest of the data that it was tested on, as its version's tags have it."""
        return self.version.tags.get(TEST_DIGEST) if self.version else None


def find(named: str, model: str) -> ModelRef:
    """Find a model.

    Args:
        named: a bundle's folder, a number, an alias, `models:/NAME@ALIAS`, `models:/NAME/NUMBER`, or a run's id.
        model: the registered model that numbers and aliases are of.

    Raises:
        UserError: when there is nothing of that name.
    """
    folder = Path(named)
    if (folder / CONFIG).exists() or (folder.is_dir() and "/" in named):
        written = (folder / CONFIG).stat().st_mtime if (folder / CONFIG).exists() else 0.0
        return ModelRef(str(folder), folder=folder, trained=written)
    client = connect(create=False)
    if _RUN_ID.fullmatch(named):
        return _of_run(client, named, model)
    if named.startswith("models:/"):
        model, which = parse(named)
    elif "/" in named or not named:
        raise UserError(f"{named or 'an empty name'}: no such folder; a bundle's folder has a {CONFIG}")
    else:
        which = named
    return _of_version(client, get(client, model, which))


def logged_predictions(client: "MlflowClient", run_id: str) -> Predictions | None:
    """Return a run's predictions on the test split; none if the run is gone or has logged none."""
    if not has_run(client, run_id):
        return None
    if not any(file.path == PREDICTIONS.as_posix() for file in client.list_artifacts(run_id, PREDICTIONS.parts[0])):
        return None
    with tempfile.TemporaryDirectory() as scratch:
        return Predictions.load(download(f"runs:/{run_id}/{PREDICTIONS.as_posix()}", scratch))


def describe(ref: ModelRef) -> tuple[ModelInfo, Predictor]:
    """Load and verify a model's bundle, and describe it."""
    bundle = ref.load()
    try:
        made, prints = predictor(bundle), bundle.fingerprints
    except BundleError as error:
        raise UserError(f"{ref.title}: {error}") from error
    return ModelInfo(
        title=ref.title,
        task=bundle.task,
        encoder=made.architecture,
        size=made.size,
        parameters=made.parameters,
        bytes=saved_bytes(bundle),
        fingerprint=bundle.fingerprint,
        vocabulary=prints.get(VOCABULARY, ""),
        tokenizer=prints.get(TOKENIZER, ""),
        trained=local_time(ref.trained),
        run_id=ref.run_id,
    ), made


def parse(uri: str) -> tuple[str, str]:
    """Return the registered model's name and the version's number or alias.

    Raises:
        UserError: when it is no such address.
    """
    match = re.fullmatch(r"models:/([^/@]+)(?:/(\d+)|@([^/@]+))", uri)
    if match is None:
        raise UserError(f"{uri}: should look like models:/NAME@champion or models:/NAME/3")
    return match[1], match[2] or match[3]


def _of_version(client: "MlflowClient", version: Version, run_name: str = "") -> ModelRef:
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    title = f"{run_name}{version.name} version {version.number}{aliases}"
    trained = client.get_run(version.run_id).info.start_time if has_run(client, version.run_id) else version.created
    return ModelRef(title, version, version.run_id, trained=trained / 1000)


def _of_run(client: "MlflowClient", run_id: str, model: str) -> ModelRef:
    if not has_run(client, run_id):
        raise UserError(f"run {run_id}: is not in the store; its page in the MLflow UI shows a run's id")
    run = client.get_run(run_id)
    fingerprint = run.data.tags.get(FINGERPRINT)
    for version in versions(client, model):
        if fingerprint and version.tags.get(FINGERPRINT) == fingerprint:
            found = _of_version(client, version, f"{run.info.run_name} = ")
            return replace(found, run_id=run_id, trained=run.info.start_time / 1000)
    raise UserError(
        f"run {run_id}: no version of {model} holds its model; `carousel versions` lists those that there are"
    )
