"""Train a version again from its commit, changes and params, in a checkout and a store of their own."""

import hashlib
import os
import posixpath
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carousel import layout
from carousel.corpus.document import SPLITS
from carousel.corpus.training_data import TOKENIZER, VOCABULARY
from carousel.errors import UserError
from carousel.files import read_json
from carousel.lineage.audit import Cached, Files, missing_commit, params_of
from carousel.predictor import read
from carousel.registry import versions
from carousel.registry.model_ref import parse
from carousel.registry.versions import Version
from carousel.tracking import lineage, repository
from carousel.tracking.lineage import CHANGES, DIGESTS, PARAMS, REQUIREMENTS
from carousel.tracking.repository import GitError
from carousel.tracking.store import sqlite_url

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Of the user's environment, what would lead DVC or MLflow to their own checkout or store
_LEFT_OUT = ("DVC_EXP_", "DVC_ROOT", "DVC_STUDIO", "MLFLOW_")
_ELSEWHERE = {  # tags, and what it means when this machine's differ
    "machine.processor": "another processor: last bits may differ",
    "machine.gpu": "another GPU: last bits may differ",
    "torch.version": "another PyTorch: last bits may differ",
    "data.python": "another Python: its documentation, the data of stdlib_docs, may differ",
}

_TEACHER = layout.MODELS / "teacher"  # a bundle's folder, in the checkout

# What DVC prints for an interactive user
_HINTS = (
    "Generating lock file",
    "Updating lock file",
    "To track the changes",
    "To enable auto staging",
    "\t",
    "Use `dvc",
)


@dataclass(frozen=True)
class Part:
    """One thing that was made again: what it was, and what it is now."""

    name: str
    recorded: str
    found: str

    @property
    def same(self) -> bool:
        """Whether it is the same."""
        return self.recorded == self.found


@dataclass(frozen=True)
class Reproduction:
    """What came out.

    Attributes:
        version: that was trained again.
        parts: the registered bundle as the store has it; then data, vocabulary, tokenizer and bundle, in the order
            in which they were made.
        warnings: what is not as it was when the version was trained.
        folder: of the project, in the checkout.
    """

    version: Version
    parts: tuple[Part, ...]
    warnings: tuple[str, ...]
    folder: Path

    @property
    def same(self) -> bool:
        """Whether the bundle has the version's fingerprint: then it predicts the same, to the last bit."""
        return self.parts[-1].same

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        return {
            "version": self.version.number,
            "name": self.version.name,
            "same": self.same,
            "parts": [asdict(part) | {"same": part.same} for part in self.parts],
            "warnings": list(self.warnings),
        }


def reproduce(
    client: "MlflowClient", version: Version, root: Path, say: Callable[[str], None], *, keep: bool = False
) -> Reproduction:
    """Run the pipeline up to training in a clean checkout of a version's commit, and compare what comes out.

    The checkout shares git's objects with `root` and nothing else: it has its own DVC cache, so that every stage
    really runs, and its own MLflow store. Only source data that git does not have is copied from `root`.

    Args:
        client: of the store that has the version.
        version: to be trained again.
        root: the checkout that has its commit.
        say: told what happens as it goes.
        keep: leave the checkout where it is, for a look.

    Raises:
        UserError: when the commit, the changes, the params or the data are not to be had, or the pipeline stops.
    """
    commit = _commit(version, root)
    files = _files(client, version)
    registered, broken = _registered(version)
    warnings = (*broken, *_warnings(version, root))
    for warning in warnings:
        say(f"warning: {warning}")
    params = params_of(files[PARAMS])
    with _folder(keep) as scratch:
        top = _nested(scratch, version, params["data"]["path"])
        folder = top / version.tags.get(repository.FOLDER, "")
        say(f"checkout of {commit[:12]} in {top}")
        _check_out(root, top, commit)
        if CHANGES in files:
            say("apply what was not committed")
            _apply(top, files[CHANGES], version)
        _prepare_dvc(folder)
        params["sweep"]["trials"] = 0  # what the sweep found is among the params
        if lineage.TEACHER_MODEL in version.tags:
            _bring_teacher(client, version, root, folder)
            params["train"]["teacher"] = _TEACHER.as_posix()
        (folder / lineage.PARAMS).write_bytes(lineage.to_yaml(params))
        _bring_source(version, root, folder, params["data"]["path"], say)
        say("run the pipeline, from collect to train")
        _run(folder, version, say)
        return Reproduction(version, (registered, *_parts(version, folder)), warnings, folder)


def _registered(version: Version) -> tuple[Part, tuple[str, ...]]:
    """Return the registered bundle beside its version's tag, and what is wrong with it."""
    recorded = version.tags.get(versions.FINGERPRINT, "")
    try:
        return Part("registered bundle", recorded, versions.fetch(version).fingerprint), ()
    except versions.ForeignBundleError as error:
        return Part("registered bundle", recorded, error.bundle.fingerprint), (str(error),)
    except UserError as error:
        return Part("registered bundle", recorded, "unreadable"), (str(error),)


def _commit(version: Version, root: Path) -> str:
    commit = version.tags.get("git.commit", repository.NOT_GIT)
    if not repository.is_commit(commit):
        raise UserError(f"{version.uri}: its run recorded no commit to go back to: {commit}")
    if reason := missing_commit(root, commit):
        raise UserError(f"{version.uri}: its commit {commit} {reason}")
    return commit


def _files(client: "MlflowClient", version: Version) -> dict[str, bytes]:
    """Return the run's params, and its changes if it had any, each verified by its digest."""
    store = Files(client, version)
    if DIGESTS[PARAMS] not in version.tags:
        raise UserError(
            f"{version.uri}: its params were not recorded with its run, as Carousel does since it can reproduce"
        )
    found = {}
    for name in (PARAMS, CHANGES):
        recorded = version.tags.get(DIGESTS[name])
        if recorded is None:
            continue
        content = store.get(name)
        if content is None or lineage.digest(content) != recorded:
            state = "is not in the store" if content is None else "has changed"
            raise UserError(
                f"{version.uri}: its run's file {lineage.FOLDER}/{name} {state}: it cannot be reproduced"
            )
        found[name] = content
    return found


def _warnings(version: Version, root: Path) -> Iterator[str]:
    here = lineage.environment()
    here["data.python"] = here["python.version"]
    for tag, meaning in _ELSEWHERE.items():
        then, now = version.tags.get(tag), here.get(tag)
        if then != now and not (tag == "data.python" and then is None):
            yield f"{meaning} (then {then or 'none'}, here {now or 'none'})"
    lock = root / REQUIREMENTS
    recorded = version.tags.get("environment.lock")
    if recorded and (not lock.exists() or lineage.digest(lock.read_bytes()) != recorded):
        yield f"another {REQUIREMENTS} than then: with other packages, last bits or more may differ"
    elif version.tags.get(DIGESTS[lineage.INSTALLED]) != lineage.digest(lineage.installed()):
        yield "other packages are installed than then: last bits or more may differ"


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    prefix = "carousel-reproduce-"
    if keep:
        yield Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        return
    with tempfile.TemporaryDirectory(prefix=prefix) as scratch:
        yield Path(scratch).resolve()


def _nested(scratch: Path, version: Version, path: str) -> Path:
    """Return where the repository goes: so deep that data beside it (`../reviews.csv`) is still in `scratch`."""
    whole = posixpath.normpath(posixpath.join(version.tags.get(repository.FOLDER, ""), path))
    return scratch.joinpath(*(["beside"] * whole.split("/").count("..")))


def _check_out(root: Path, top: Path, commit: str) -> None:
    try:
        source = str(repository.top_of(root))
        repository.git(root, "clone", "--quiet", "--shared", "--no-checkout", "--", source, str(top))
        repository.git(top, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", commit)
    except GitError as error:
        raise UserError(f"{top}: git could not check out {commit}: {error}") from error


def _prepare_dvc(folder: Path) -> None:
    (folder / lineage.LOCK).unlink(missing_ok=True)  # it would tell DVC that stages need not run
    local = folder / ".dvc/config.local"  # the commit's own configuration may name a cache that others share
    local.parent.mkdir(exist_ok=True)
    local.write_text("[cache]\n    dir = cache\n", "utf-8")


def _apply(top: Path, changes: bytes, version: Version) -> None:
    try:
        repository.git(top, "apply", "--whitespace=nowarn", "-", given=changes)
    except GitError as error:
        raise UserError(f"{version.uri}: its uncommitted changes do not apply to its commit: {error}") from error


def _bring_source(version: Version, root: Path, folder: Path, path: str, say: Callable[[str], None]) -> None:
    """Put the source data where params.yaml says, unless git has it there."""
    target = folder / path
    if Path(path).is_absolute() or target.exists():
        return
    recorded = version.tags.get("data.source.digest", "").removeprefix("md5:")
    here = root / path
    if here.is_file() and (not recorded or _md5(here) == recorded):
        found: Path | None = here
    elif here.is_dir():
        found = here  # dvc.lock will tell whether it is the same
    else:
        found = Cached(root, None).path(recorded) if recorded and not recorded.endswith(".dir") else None
    if found is None:
        raise UserError(
            f"{version.uri}: its data {path} is gone: neither git nor {root} nor DVC's cache has it with digest "
            f"{recorded or 'unknown'}; put it back, or `dvc pull` it"
        )
    say(f"copy {path} from {root if found == here else 'the cache of DVC'}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if found.is_dir():
        shutil.copytree(found, target)
    else:
        shutil.copyfile(found, target)


def _bring_teacher(client: "MlflowClient", version: Version, root: Path, folder: Path) -> None:
    """Put the model that a version learned from into the checkout: the checkout's own store does not have it."""
    model, recorded = version.tags[lineage.TEACHER_MODEL], version.tags.get(lineage.TEACHER_FINGERPRINT)
    try:
        registered = model.startswith("models:/")
        bundle = versions.fetch(versions.get(client, *parse(model))) if registered else read(root / model)
    except UserError as error:
        raise UserError(f"{version.uri}: the teacher that it learned from is gone: {error}") from error
    if bundle.fingerprint != recorded:
        raise UserError(
            f"{version.uri}: learned from {model} with bundle {recorded}, which has bundle {bundle.fingerprint} now"
        )
    bundle.save(folder / _TEACHER)


def _run(folder: Path, version: Version, say: Callable[[str], None]) -> None:
    environment = _environment() | {"MLFLOW_TRACKING_URI": sqlite_url(folder / layout.MLFLOW_STORE)}
    if threads := version.tags.get("machine.threads"):
        environment["OMP_NUM_THREADS"] = threads
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "train"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
    ) as process:
        last = ""
        for line in process.stdout or ():
            if line.strip() and not line.startswith(_HINTS):
                last = line.strip()
                say(f"  {line.rstrip()}")
    if process.returncode:
        raise UserError(f"{version.uri}: the pipeline of its commit stopped (see above): {last}")


def _parts(version: Version, folder: Path) -> Iterator[Part]:
    tags = version.tags
    digests = read_json(folder / layout.DIGESTS)
    for split in SPLITS:
        yield Part(f"{split} data", tags.get(f"data.{split}.digest", ""), digests.get(split, ""))
    bundle = read(folder / layout.BUNDLE)
    prints = bundle.fingerprints
    yield Part("vocabulary", tags.get("vocabulary.fingerprint", ""), prints.get(VOCABULARY, ""))
    yield Part("tokenizer", tags.get("tokenizer.fingerprint", ""), prints.get(TOKENIZER, ""))
    yield Part("bundle", tags[versions.FINGERPRINT], bundle.fingerprint)


def _environment() -> dict[str, str]:
    """Return the environment without what leads elsewhere; this Python comes first on the PATH."""
    kept = {key: value for key, value in repository.environment().items() if not key.startswith(_LEFT_OUT)}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _md5(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()
