"""From a version back to everything that it was made of, each fact checked against what can be seen."""

import hashlib
import json
import posixpath
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from carousel import layout
from carousel.corpus.document import SPLITS
from carousel.corpus.training_data import TOKENIZER, VOCABULARY
from carousel.errors import UserError
from carousel.params.file import DEFAULT_TASK
from carousel.registry import model_files, versions
from carousel.registry.model_ref import parse
from carousel.registry.versions import Version
from carousel.task import Task, find
from carousel.tracking import lineage, repository
from carousel.tracking.lineage import CHANGES, DIGESTS, FOLDER, INSTALLED, LOCK, PARAMS, REQUIREMENTS
from carousel.tracking.repository import GitError

if TYPE_CHECKING:
    from mlflow import MlflowClient

State = Literal["ok", "differs", "unknown", "recorded"]
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Fact:
    """A line of a version's lineage.

    Attributes:
        group: model, code, data, search or environment.
        name: of the fact.
        value: as recorded.
        state: ok and differs were checked, unknown could not be checked here; what is only recorded has nothing to
            be held against.
        note: against what it was checked, or why not.
    """

    group: str
    name: str
    value: str
    state: State
    note: str = ""


@dataclass(frozen=True)
class Audit:
    """A version, and all that is known of where it comes from."""

    version: Version
    facts: tuple[Fact, ...]

    @property
    def differing(self) -> list[Fact]:
        """Those that contradict what was found."""
        return [fact for fact in self.facts if fact.state == "differs"]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        return {
            "version": self.version.number,
            "name": self.version.name,
            "ok": not self.differing,
            "facts": [asdict(fact) for fact in self.facts],
        }


def audit(client: "MlflowClient", version: Version, root: Path) -> Audit:
    """Check all that a version's tags and its run's files say.

    Args:
        client: of the store.
        version: to be checked.
        root: of the checkout whose commits, data and DVC cache it is checked against.
    """
    files = Files(client, version)
    facts = [
        *_model(client, version),
        *_code(version, files, root),
        *_data(version, files, root),
        *_search(client, version, files),
        *_environment(version, files, root),
    ]
    return Audit(version, tuple(facts))


class Files:
    """The files in the run's `lineage/`, each downloaded when it is first asked for."""

    def __init__(self, client: "MlflowClient", version: Version) -> None:
        self.client = client
        self.run_id = version.run_id

    def get(self, name: str) -> bytes | None:
        """Return a file's content; None if the store does not have it."""
        import mlflow

        with tempfile.TemporaryDirectory() as scratch:
            try:
                path = self.client.download_artifacts(self.run_id, f"{FOLDER}/{name}", scratch)
                return Path(path).read_bytes()
            except (mlflow.MlflowException, OSError):
                return None


def missing_commit(root: Path, commit: str) -> str | None:
    """Return why a checkout does not have a commit; None if it has it."""
    try:
        repository.git(root, "rev-parse", "--git-dir")
    except GitError as error:
        return f"cannot be looked up in {root}: {error}"
    if _git(root, "cat-file", "-e", f"{commit}^{{commit}}") is None:
        return f"is not in {root}; `git fetch` the branch that it was made on"
    return None


def committed(root: Path, tags: dict[str, str], path: str) -> bytes | None:
    """Return a file as it is in a version's commit; None if the commit or the file is not there.

    Args:
        root: the checkout.
        tags: of the version.
        path: of the file, from the project's folder.
    """
    whole = posixpath.normpath(posixpath.join(tags.get(repository.FOLDER, ""), path))
    return _git(root, "show", f"{tags.get('git.commit')}:{whole}")


def _model(client: "MlflowClient", version: Version) -> Iterator[Fact]:
    tags, group = version.tags, "model"
    try:
        bundle, broken = versions.fetch(version), ""
    except versions.ForeignBundleError as error:
        bundle, broken = error.bundle, ""
    except UserError as error:
        bundle, broken = None, str(error)
    for name, tag, found in (
        ("bundle", versions.FINGERPRINT, bundle.fingerprint if bundle else None),
        ("vocabulary", "vocabulary.fingerprint", bundle.fingerprints.get(VOCABULARY) if bundle else None),
        ("tokenizer", "tokenizer.fingerprint", bundle.fingerprints.get(TOKENIZER) if bundle else None),
    ):
        if found is None:
            yield Fact(group, name, tags.get(tag, NOT_RECORDED), "differs", broken)
        else:
            yield _compared(group, name, tags.get(tag), found, "computed again")
    yield _python(version)
    yield _run(client, version)
    if lineage.TEACHER_MODEL in tags:
        yield _teacher(client, version)
    for metric in _task(version).metrics:
        tag = f"{versions.TEST}{metric.name}"
        if tag in tags:
            yield Fact(group, f"test {metric.title}", tags[tag], "recorded")


def _python(version: Version) -> Fact:
    """Check the files that `mlflow.pyfunc` runs: whoever can write the artifact store could change them."""
    group, name, recorded = "model", "Python files", version.tags.get(model_files.FINGERPRINT)
    try:
        found, compiled = model_files.find(version)
    except UserError as error:
        return Fact(group, name, recorded or NOT_RECORDED, "unknown" if recorded is None else "differs", str(error))
    if recorded == found and compiled:
        note = f"{compiled[0]} may be run in place of its source; delete its folder"
        return Fact(group, name, recorded, "unknown", note)
    return _compared(group, name, recorded, found, "computed again")


def _run(client: "MlflowClient", version: Version) -> Fact:
    import mlflow

    try:
        run = client.get_run(version.run_id)
    except mlflow.MlflowException:
        return Fact("model", "run", version.run_id or NOT_RECORDED, "differs", "is not in the store")
    if run.info.lifecycle_stage == "deleted":
        return Fact("model", "run", version.run_id, "differs", "was deleted; `mlflow gc` makes that final")
    named = f"{version.run_id} {run.info.run_name}"
    if run.data.tags.get(versions.FINGERPRINT) != version.tags.get(versions.FINGERPRINT):
        return Fact("model", "run", named, "differs", "trained another bundle")
    return Fact("model", "run", named, "ok", "trained this bundle")


def _teacher(client: "MlflowClient", version: Version) -> Fact:
    """Return which model the version learned from, and whether it is still registered."""
    model, fingerprint = version.tags[lineage.TEACHER_MODEL], version.tags.get(lineage.TEACHER_FINGERPRINT)
    value = f"{model}, bundle {fingerprint}"
    if not model.startswith("models:/"):
        return Fact("model", "teacher", value, "recorded", "a folder, not a registered version")
    try:
        teacher = versions.get(client, *parse(model))
    except UserError:
        return Fact("model", "teacher", value, "unknown", "is not in the store")
    if teacher.tags.get(versions.FINGERPRINT) != fingerprint:
        return Fact("model", "teacher", value, "differs", "that version has another bundle")
    return Fact("model", "teacher", value, "ok", "is registered")


def _code(version: Version, files: Files, root: Path) -> Iterator[Fact]:
    tags, group = version.tags, "code"
    commit = tags.get("git.commit", NOT_RECORDED)
    if not repository.is_commit(commit):
        yield Fact(group, "commit", commit, "unknown")
    elif (reason := missing_commit(root, commit)) is None:
        subject = _git(root, "show", "--no-patch", "--format=%cs %s", commit) or b""
        yield Fact(group, "commit", commit, "ok", subject.decode(errors="replace").strip())
    else:
        yield Fact(group, "commit", commit, "unknown", reason)
    if folder := tags.get(repository.FOLDER):
        yield Fact(group, "folder", folder, "recorded", "of the repository")
    if tags.get("git.dirty") == "true":
        yield _file(group, "uncommitted changes", version, files, CHANGES)
    else:
        clean = {"false": "none"}.get(tags.get("git.dirty", ""), tags.get("git.dirty", NOT_RECORDED))
        yield Fact(group, "uncommitted changes", clean, "recorded")
    yield _file(group, "params", version, files, PARAMS)
    yield _file(group, layout.LOCK.name, version, files, LOCK)
    if "dvc.experiment" in tags:
        yield Fact(group, "DVC experiment", tags["dvc.experiment"], "recorded")


def _data(version: Version, files: Files, root: Path) -> Iterator[Fact]:
    tags, group = version.tags, "data"
    source = " ".join(tags[key] for key in ("data.source", "data.path") if key in tags)
    if "data.python" in tags:
        source += f", of Python {tags['data.python']}"
    yield Fact(group, "source", source or NOT_RECORDED, "recorded")
    if "data.source.digest" in tags:
        yield _source(tags, root)
    cached, task = Cached(root, files.get(LOCK)), _task(version)
    for split in SPLITS:
        recorded = tags.get(f"data.{split}.digest")
        if recorded is None:
            yield Fact(group, split, NOT_RECORDED, "unknown")
            continue
        here = root / layout.PREPARED / f"{split}.parquet"
        if _digest(task, here) == recorded:
            yield Fact(group, split, recorded, "ok", "as in data/prepared")
        elif (kept := cached.prepared(f"{split}.parquet")) is not None:
            yield _compared(group, split, recorded, _digest(task, kept), "as in DVC's cache")
        else:
            yield Fact(group, split, recorded, "unknown", "neither in data/prepared nor in DVC's cache")


def _source(tags: dict[str, str], root: Path) -> Fact:
    name, recorded, path = "source's digest", tags["data.source.digest"], tags["data.path"]
    md5 = recorded.removeprefix("md5:")
    if (root / path).is_file() and hashlib.md5(
        (root / path).read_bytes(), usedforsecurity=False
    ).hexdigest() == md5:
        return Fact("data", name, recorded, "ok", "as here")
    then = committed(root, tags, path)
    if then is not None and hashlib.md5(then, usedforsecurity=False).hexdigest() == md5:
        return Fact("data", name, recorded, "ok", "as in that commit")
    if Cached(root, None).path(md5) is not None:
        return Fact("data", name, recorded, "ok", "as in DVC's cache")
    return Fact("data", name, recorded, "unknown", "neither here nor in that commit nor in DVC's cache")


def _search(client: "MlflowClient", version: Version, files: Files) -> Iterator[Fact]:
    tags, group = version.tags, "search"
    study, trial = tags.get("sweep.study"), tags.get("sweep.trial")
    if study is None:
        yield Fact(group, "sweep", "none", "recorded", "trained with the values of params.yaml")
        return
    run = client.get_run(version.run_id) if _run(client, version).state == "ok" else None
    found = run and client.search_runs([run.info.experiment_id], f"tags.`optuna.study` = '{study}'")
    best = found[0].data.tags.get("optuna.best_trial") if found else None
    value = f"{study}, trial {trial}"
    if best is None:
        yield Fact(group, "sweep", value, "unknown", "its run is not in the store")
    elif best == trial:
        yield Fact(group, "sweep", value, "ok", f"run {found[0].info.run_id}" if found else "")
    else:  # a sweep that went on after this model was trained
        yield Fact(group, "sweep", value, "ok", f"went on since; its best trial is {best} now")


def _environment(version: Version, files: Files, root: Path) -> Iterator[Fact]:
    tags, group = version.tags, "environment"
    lock, then = tags.get("environment.lock"), committed(root, tags, REQUIREMENTS)
    if lock is None:
        yield Fact(group, REQUIREMENTS, NOT_RECORDED, "unknown")
    elif then is None or tags.get("git.dirty") == "true":
        yield Fact(group, REQUIREMENTS, lock, "unknown", "the commit's own cannot tell")
    else:
        yield _compared(group, REQUIREMENTS, lock, lineage.digest(then), "as in that commit")
    yield _file(group, "installed packages", version, files, INSTALLED)
    here = lineage.environment()
    for name, tag in (
        ("Python", "python.version"),
        ("PyTorch", "torch.version"),
        ("processor", "machine.processor"),
        ("GPU", "machine.gpu"),
        ("threads", "machine.threads"),
    ):
        if tag in tags or tag in here:
            value = tags.get(tag, "none" if tag == "machine.gpu" else NOT_RECORDED)
            note = "" if value == here.get(tag, "none") else f"here: {here.get(tag, 'none')}"
            yield Fact(group, name, value, "recorded", note)
    yield from _seeds(files)


def _seeds(files: Files) -> Iterator[Fact]:
    content = files.get(PARAMS)
    if content is None:
        yield Fact("environment", "seeds", NOT_RECORDED, "unknown")
        return
    params = params_of(content)
    seeds = [f"{section} {params[section]['seed']}" for section in ("split", "sweep", "train")]
    yield Fact("environment", "seeds", ", ".join(seeds), "recorded")


def params_of(content: bytes) -> dict[str, Any]:
    """Read a run's params.yaml, whichever version of Carousel wrote it."""
    from ruamel.yaml import YAML

    params: dict[str, Any] = YAML(typ="safe", pure=True).load(content.decode("utf-8"))
    return params


class Cached:
    """What DVC's cache in a checkout has of a run's data.

    Args:
        root: of the checkout.
        lock: the run's dvc.lock, if it has one.
    """

    def __init__(self, root: Path, lock: bytes | None) -> None:
        self.root = root
        self.lock = lock

    def path(self, md5: str) -> Path | None:
        """Return the cached file with a digest, if it is there."""
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        try:
            with Repo(str(self.root)) as repo:
                path = Path(repo.cache.local.oid_to_path(md5))
        except DvcException:
            return None
        return path if path.exists() else None

    def prepared(self, name: str) -> Path | None:
        """Return a cached file of the folder data/prepared, as it was in the run."""
        if self.lock is None:
            return None
        stages = params_of(self.lock).get("stages", {})
        outs = {out["path"]: out.get("md5") for out in stages.get("prepare", {}).get("outs", [])}
        folder = outs.get(layout.PREPARED.as_posix())
        listing = self.path(folder) if folder else None
        if listing is None:
            return None
        entries = {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_bytes())}
        return self.path(entries[name]) if name in entries else None


def _task(version: Version) -> Task[Any]:
    return find(version.tags.get(versions.TASK, DEFAULT_TASK))


def _digest(task: Task[Any], table: Path) -> str | None:
    """Return the digest of a prepared split; None where there is no such table."""
    import polars as pl

    try:
        return task.digest_if_own(pl.read_parquet(table, glob=False))
    except (OSError, pl.exceptions.PolarsError):
        return None


def _file(group: str, name: str, version: Version, files: Files, file: str) -> Fact:
    recorded = version.tags.get(DIGESTS[file])
    if recorded is None:
        return Fact(group, name, NOT_RECORDED, "unknown")
    content = files.get(file)
    if content is None:
        return Fact(group, name, recorded, "differs", f"the run's {FOLDER}/{file} is not in the store")
    return _compared(group, name, recorded, lineage.digest(content), f"{FOLDER}/{file}")


def _compared(group: str, name: str, recorded: str | None, found: str | None, against: str) -> Fact:
    if recorded is None:
        return Fact(group, name, NOT_RECORDED, "unknown", f"{found}, {against}")
    if recorded == found:
        return Fact(group, name, recorded, "ok", against)
    return Fact(group, name, recorded, "differs", f"{found}, {against}")


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        return repository.git(root, *arguments)
    except GitError:
        return None
