"""Registered versions: found by number or alias, and opened. Finding one takes no torch."""

import math
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carousel.errors import UserError
from carousel.metric import Metric
from carousel.params.file import DEFAULT_TASK
from carousel.predictor import Predictor, predictor, read
from carousel.task_modules import TASKS
from carousel.tracking.store import how_to_register
from carousel.url import Url, redact

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from carousel.bundle.bundle import Bundle

CHAMPION, CHALLENGER = "champion", "challenger"

# Tags of a version
FINGERPRINT = "bundle.fingerprint"
TEST_DIGEST = "test.digest"
TASK = "task"
TEST, BASELINE = "test.", "baseline."  # and the name of a metric
RETIRED = "retired"
COMPLETE = "registration.complete"  # the last thing that a registration writes
EVENT = "promotion."  # of the registered model, and of the version: promotion.0001, promotion.0002, …
_EVENT_KEY = re.compile(re.escape(EVENT) + "([0-9]{4}|[1-9][0-9]{4,8})")


class ForeignBundleError(UserError):
    """A version's files hold a whole bundle, but not the one that was registered.

    Attributes:
        bundle: that they hold.
    """

    def __init__(self, message: str, bundle: "Bundle") -> None:
        super().__init__(message)
        self.bundle = bundle


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

    @property
    def is_complete(self) -> bool:
        """Whether its registration wrote all tags and moved the alias, or was interrupted before."""
        return COMPLETE in self.tags

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        return {**asdict(self), "aliases": list(self.aliases), "uri": self.uri}


def event_number(key: str) -> int | None:
    """Return the number of the event that a tag holds; None for any other tag, such as `promotion.note`."""
    found = _EVENT_KEY.fullmatch(key)
    return int(found[1]) if found else None


def number(tags: Mapping[str, str], key: str) -> float | None:
    """Return a tag's number; None where there is no such tag, or it has been given another content."""
    try:
        value = float(tags[key])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None


def task_of(known: Iterable[Version]) -> str:
    """Return the task of the newest of some versions that names one which this version of Carousel knows."""
    named = (version.tags.get(TASK, DEFAULT_TASK) for version in known)
    return next((task for task in named if task in TASKS), DEFAULT_TASK)


def versions(client: "MlflowClient", name: str) -> list[Version]:
    """Return all versions of a model, newest first; none if there is no such model."""
    import mlflow

    try:
        model = client.get_registered_model(name)
    except mlflow.MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return []
        store, reason = Url(mlflow.get_registry_uri()), redact(error.message)
        raise UserError(f"{store}: the registry cannot be used: {reason}") from error
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
        raise UserError(f"{name}: has no registered version yet; {how_to_register(client, name)}")
    numbers = ", ".join(str(version.number) for version in reversed(known))
    aliases = ", ".join(sorted(alias for version in known for alias in version.aliases)) or "none"
    raise UserError(
        f"{name}: has no version {wanted!r}; versions: {numbers}; aliases: {aliases}{_hint(wanted, known)}"
    )


def _hint(wanted: str, known: "list[Version]") -> str:
    """Return what to do about a missing champion or challenger."""
    candidates = [version for version in known if RETIRED not in version.tags]
    if wanted == CHAMPION and candidates:
        challenger = next((version for version in candidates if CHALLENGER in version.aliases), candidates[0])
        return f"; `carousel promote {challenger.number}` makes version {challenger.number} the champion"
    if wanted == CHALLENGER:
        return f"; no version is waiting: name one by its number, such as {known[0].number}"
    return ""


def recorded(version: Version, tag: str) -> str:
    """Return what the stage `register` wrote into a tag.

    Raises:
        UserError: when the version was registered by other means.
    """
    try:
        return version.tags[tag]
    except KeyError as error:
        raise UserError(f"{version.uri}: has no tag {tag}; only versions that `dvc repro` registered do") from error


def fetch(version: Version) -> "Bundle":
    """Download a version's bundle and verify it: it is whole, and the one that was registered.

    Whatever opens a registered version does it here.

    Raises:
        ForeignBundleError: when its fingerprint is not that of the version's tag.
        UserError: when it cannot be read, is damaged, or was not registered by the stage `register`.
    """
    registered = recorded(version, FINGERPRINT)
    bundle = load(version.uri)
    found = bundle.fingerprint
    if found != registered:
        raise ForeignBundleError(
            f"{version.uri}: its files hold another bundle than was registered: the fingerprint is {found}, the "
            f"version's tag says {registered}; restore its files, or use another version",
            bundle,
        )
    return bundle


def predictor_of(version: Version, bundle: "Bundle") -> Predictor:
    """Make the predictor of a version's bundle.

    Raises:
        UserError: when its parts do not fit, or only a later version of this project can read it.
    """
    from carousel.bundle.bundle import BundleError

    try:
        return predictor(bundle)
    except BundleError as error:
        raise UserError(f"{version.uri}: artifacts/bundle/{error}") from error


def metric_tags(test: dict[str, float], baseline: dict[str, float], metrics: Sequence[Metric]) -> dict[str, str]:
    """Return the tags with a version's metrics on the test split, and its baseline's."""
    return {
        f"{prefix}{metric.name}": f"{values[metric.name]:.6f}"
        for prefix, values in ((TEST, test), (BASELINE, baseline))
        for metric in metrics
    }


def saved_bytes(bundle: "Bundle") -> int:
    """Return the size of a bundle's files."""
    with tempfile.TemporaryDirectory() as scratch:
        bundle.save(Path(scratch) / "bundle")
        return sum(file.stat().st_size for file in (Path(scratch) / "bundle").iterdir())


def download(uri: str, scratch: str) -> Path:
    """Download a version's or run's files into a folder, and return where they lie.

    Files of a local store are read where they are: a copy would wait for a named pipe, and read a device for ever.

    Raises:
        UserError: when they cannot be read.
    """
    import mlflow

    try:
        return local_files(uri) or Path(mlflow.artifacts.download_artifacts(uri, dst_path=scratch))
    except (mlflow.MlflowException, OSError) as error:
        reason = redact((str(error).strip() or type(error).__name__).splitlines()[-1])
        raise UserError(f"{uri}: its files cannot be read: {reason}") from error


def local_files(uri: str) -> Path | None:
    """Return where a version's or run's files lie on this machine; None where they have to be downloaded."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
    from mlflow.tracking.artifact_utils import _get_root_uri_and_artifact_path

    root, path = _get_root_uri_and_artifact_path(uri)  # type: ignore[no-untyped-call]
    store: Any = get_artifact_repository(root)
    while not isinstance(store, LocalArtifactRepository):
        if not hasattr(store, "repo"):
            return None
        store = store.repo  # of a version or run, the one of its files
    return Path(store.get_local_path(path))


def load(uri: str) -> "Bundle":
    """Download and load the bundle of a version or logged model, which may be another than was registered.

    Raises:
        UserError: when it cannot be read, or is damaged.
    """
    from carousel.bundle.bundle import BundleError

    with tempfile.TemporaryDirectory() as scratch:
        folder = download(f"{uri}/artifacts/bundle", scratch)
        try:
            return read(folder)
        except BundleError as error:
            raise UserError(f"{uri}: {str(error).replace(f'{folder}/', 'artifacts/bundle/')}") from error


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
