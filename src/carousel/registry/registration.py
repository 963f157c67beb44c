"""Registration: a bundle becomes a version, and the newest version the challenger; one that was killed goes on."""

import contextlib
import importlib.metadata
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carousel.bundle.bundle import Bundle
from carousel.errors import UserError
from carousel.predictor import Predictor, predictor
from carousel.registry import model_files
from carousel.registry.versions import (
    CHALLENGER,
    COMPLETE,
    FINGERPRINT,
    RETIRED,
    Version,
    event_number,
    fetch,
    get,
    load,
    versions,
)
from carousel.task import find
from carousel.tracking import description
from carousel.tracking.store import exclusive
from carousel.url import Url, redact

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

# What a bundle imports, of this project and of others: all that travels with a version
_INFERENCE_CODE = (
    "__init__.py", "errors.py", "explanation.py", "files.py", "predictor.py", "task_modules.py", "text", "nn",
    "bundle", "tasks/__init__.py",
)  # and the folder of the task  # fmt: skip
_INFERENCE_REQUIREMENTS = ("mlflow", "torch", "numpy", "safetensors", "sentencepiece")


def register(
    client: "MlflowClient", name: str, bundle: Bundle, folder: Path, run_id: str, tags: dict[str, str]
) -> tuple[Version, bool]:
    """Register a bundle as a version, unless one already holds its fingerprint; `complete` makes it the challenger.

    The files of a version that was there are loaded and verified. A registration that was killed goes on: what it
    left in the store is used or removed.

    Args:
        client: of the store.
        name: of the registered model.
        bundle: already verified.
        folder: its files.
        run_id: the active run, to which the logged model belongs.
        tags: of the version.

    Returns:
        The version, and whether it is new.

    Raises:
        UserError: when the version's files are damaged or hold another bundle.
    """
    import mlflow

    fingerprint = bundle.fingerprint
    with exclusive():
        create_model(client, name, bundle.task)
        known = (version for version in versions(client, name) if version.tags.get(FINGERPRINT) == fingerprint)
        version = next(known, None)
        new = version is None
        if version is None:
            source = _unregistered(client, run_id, fingerprint) or _log(folder, bundle)
            with contextlib.redirect_stderr(io.StringIO()):  # it announces what the stage itself says
                made = mlflow.register_model(source, name, tags={FINGERPRINT: fingerprint, **tags})
            version = get(client, name, made.version)
    if not new:
        fetch(version)
    return version, new


def complete(client: "MlflowClient", version: Version, tags: dict[str, str]) -> Version:
    """Finish a version's registration: set its last tags, and make it the challenger if it is the newest version.

    It is loaded and verified first. A version whose registration is complete stays as it is. So does the alias if
    a newer version exists, or if this one was promoted or retired before its registration was finished.

    Args:
        client: of the store.
        version: that `register` returned.
        tags: of the version.

    Returns:
        The version as it is now.

    Raises:
        UserError: when the version's files are damaged or hold another bundle.
    """
    name, number = version.name, str(version.number)
    with exclusive():
        now, newest = get(client, name, number), versions(client, name)[0]
        if not now.is_complete:
            fetch(now)
            _link(client, now)
            _tag(client, now, {**tags, model_files.FINGERPRINT: model_files.fingerprint(now)})
            decided = RETIRED in now.tags or any(event_number(key) is not None for key in now.tags)
            if now.number == newest.number and not decided:
                client.set_registered_model_alias(name, CHALLENGER, number)
            _tag(client, now, {COMPLETE: "true"})
        return get(client, name, number)


def _tag(client: "MlflowClient", version: Version, tags: dict[str, str]) -> None:
    """Set tags of a version."""
    for key, value in tags.items():
        client.set_model_version_tag(version.name, str(version.number), key, value)


def describe(client: "MlflowClient", version: Version, bundle: Bundle) -> None:
    """Describe a version in Markdown, unless it is described already."""
    number = str(version.number)
    if not client.get_model_version(version.name, number).description:
        task, example = find(bundle.task), predictor(bundle).example[0]
        text = description.of_version(task, client.get_run(version.run_id).data, version.uri, example)
        client.update_model_version(version.name, number, description=text)


def requirements() -> list[str]:
    """Return the exact versions that inference needs, without a build's local suffix (`+cpu`)."""
    return [f"{name}=={importlib.metadata.version(name).split('+')[0]}" for name in _INFERENCE_REQUIREMENTS]


def _link(client: "MlflowClient", version: Version) -> None:
    """Let the logged model name its version, as MLflow's UI shows it; MLflow does so after it made the version."""
    from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

    stored = client.get_model_version(version.name, str(version.number))
    scheme, _, model_id = (stored.source or "").partition(":/")
    if scheme != "models":
        return
    named = client.get_logged_model(model_id).tags.get(MLFLOW_MODEL_VERSIONS, "[]")
    links = json.loads(named)
    if not any((link["name"], int(link["version"])) == (version.name, version.number) for link in links):
        links.append({"name": version.name, "version": stored.version})
        client.set_logged_model_tags(model_id, {MLFLOW_MODEL_VERSIONS: json.dumps(links)})


def _unregistered(client: "MlflowClient", run_id: str, fingerprint: str) -> str | None:
    """Return the logged model that a killed registration left without a version; one left half-written goes."""
    from mlflow.entities import LoggedModelStatus
    from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

    experiment_id = client.get_run(run_id).info.experiment_id
    ours = f"source_run_id = '{run_id}' AND tags.`{FINGERPRINT}` = '{fingerprint}'"
    for model in client.search_logged_models([experiment_id], filter_string=ours):
        if MLFLOW_MODEL_VERSIONS in model.tags:  # another registered model's
            continue
        if model.status == LoggedModelStatus.READY:
            with contextlib.suppress(UserError):
                if load(model.model_uri).fingerprint == fingerprint:
                    return str(model.model_uri)
        client.delete_logged_model(model.model_id)
    return None


def _log(folder: Path, bundle: Bundle) -> str:
    """Log a bundle's folder as a model of the active run, and return its address."""
    import mlflow

    fingerprint, made = bundle.fingerprint, predictor(bundle)
    with tempfile.TemporaryDirectory() as scratch, _no_bytecode():
        model = mlflow.pyfunc.log_model(
            name="bundle",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"bundle": str(_real_files(folder, Path(scratch) / "files"))},
            code_paths=[str(_inference_code(Path(scratch), bundle.task))],
            pip_requirements=requirements(),
            input_example=made.example,
            signature=_signature(made),
            model_config={FINGERPRINT: fingerprint},
            tags={FINGERPRINT: fingerprint},
        )
    return str(model.model_uri)


def _signature(made: Predictor) -> "ModelSignature":
    """Return the schema of a version's predictions; its input has none, for reasons given in `registry.pyfunc`."""
    from mlflow.models import ModelSignature, infer_signature

    predicted: list[Any] = list(made.predict(made.example))
    outputs = infer_signature(model_output=[asdict(prediction) for prediction in predicted]).outputs
    return ModelSignature(outputs=outputs)


def _real_files(folder: Path, target: Path) -> Path:
    """Return a copy without links: DVC may link files to its cache, and MLflow refuses symbolic links.

    DVC's files are read-only; the copy is not, so that a store can delete it again.
    """
    shutil.copytree(folder, target / folder.name, copy_function=shutil.copyfile)
    return target / folder.name


@contextlib.contextmanager
def _no_bytecode() -> Iterator[None]:
    """Keep Python's cache of compiled modules out of a logged model: MLflow runs its code before it stores it."""
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = written


def _inference_code(scratch: Path, task: str) -> Path:
    source, target = Path(__file__).parents[1], scratch / "carousel"
    (target / "tasks").mkdir(parents=True)
    for item in (*_INFERENCE_CODE, f"tasks/{task}"):
        if (source / item).is_dir():
            shutil.copytree(source / item, target / item, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / item, target / item)
    return target


def create_model(client: "MlflowClient", name: str, task: str) -> None:
    """Make a registered model unless it is there.

    Raises:
        UserError: when the store refuses.
    """
    import mlflow

    try:
        client.create_registered_model(name, description=description.of_model(find(task)))
    except mlflow.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            store, reason = Url(mlflow.get_registry_uri()), redact(error.message)
            raise UserError(f"{store}: cannot register {name}: {reason}") from error
