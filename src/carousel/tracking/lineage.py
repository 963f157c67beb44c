"""Where a model comes from: commit, changes, data, params, sweep, environment, machine.

Short facts are tags of the run, and later of the version. Whole files lie in the run's artifact folder `lineage/`,
and a tag holds the digest of each.
"""

import hashlib
import importlib.metadata
import io
import os
import platform
from pathlib import Path
from typing import Any

import torch

from carousel import __version__, layout
from carousel.files import read_json
from carousel.params import Hparams, Params, read_yaml
from carousel.tracking import repository
from carousel.tracking.repository import GitError

FOLDER = "lineage"
CHANGES, LOCK, PARAMS, INSTALLED = "changes.diff", layout.LOCK.name, layout.PARAMS.name, "environment.txt"
DIGESTS = {  # the tag that holds each file's SHA-256
    CHANGES: "git.changes.digest",
    LOCK: "dvc.lock.digest",
    PARAMS: "params.digest",
    INSTALLED: "environment.digest",
}
REQUIREMENTS = "requirements.lock"
TEACHER_MODEL, TEACHER_FINGERPRINT = "teacher.model", "teacher.fingerprint"  # tags of a model that learned from one

# What the pipeline itself writes is no change of the code, and a new file matters only where code is
_WRITTEN = (":(exclude)dvc.lock", ":(exclude)reports")
_CODE = ("src", "pipeline")
_PLAIN = (  # whatever the user's git configuration is
    "--binary",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


def git(root: Path) -> dict[str, str]:
    """Return the commit, the project's folder in its repository, and whether files differ from the commit.

    Without a commit, `git.commit` is the reason why there is none.
    """
    try:
        found = repository.find(root)
        dirty = bool(changes(root))
    except GitError as error:
        return {"git.commit": str(error), "git.dirty": "unknown"}
    folder = {repository.FOLDER: found.folder} if found.folder else {}
    return {"git.commit": found.commit, **folder, "git.dirty": str(dirty).lower()}


def no_commit(tags: dict[str, str]) -> str | None:
    """Return a line that says why a run's tags have no commit, or None if they have one."""
    commit = tags["git.commit"]
    return None if repository.is_commit(commit) else f"the run records no commit: {commit}"


def changes(root: Path) -> bytes:
    """Return how the project differs from its commit, as `git apply` takes it at the repository's top.

    New files count where code is, in src/ and pipeline/. What the pipeline writes, dvc.lock and reports/, does not.

    Raises:
        GitError: when git cannot tell.
    """
    top = repository.find(root).top
    tracked = repository.git(root, "diff", *_PLAIN, "HEAD", "--", ".", *_WRITTEN)
    listed = repository.git(root, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", *_CODE)
    added = [
        repository.git(top, "diff", *_PLAIN, "--no-index", "--", os.devnull, os.fsdecode(name), codes=(0, 1))
        for name in listed.split(b"\0")
        if name
    ]
    return b"".join([tracked, *added])


def data_digests(root: Path = Path()) -> dict[str, str]:
    """Return the digest of each prepared split."""
    digests: dict[str, str] = read_json(root / layout.DIGESTS)
    return digests


def tags(root: Path = Path()) -> dict[str, str]:
    """Return what every run's tags say of its origin."""
    source: dict[str, Any] = read_json(root / layout.SOURCE_REPORT)
    experiment = os.environ.get("DVC_EXP_NAME")
    requirements = root / REQUIREMENTS
    return {
        **git(root),
        **({"dvc.experiment": experiment} if experiment else {}),
        "data.source": str(source["source"]),
        **({"data.python": source["python"]} if "python" in source else {}),
        **{f"data.{split}.digest": digest for split, digest in data_digests(root).items()},
        **({"environment.lock": digest(requirements.read_bytes())} if requirements.exists() else {}),
        **environment(),
    }


def environment() -> dict[str, str]:
    """Return what this process computes with: versions, processor or GPU, threads."""
    return {
        "carousel.version": __version__,
        "python.version": platform.python_version(),
        "torch.version": torch.__version__,
        "machine.processor": f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}",
        **({"machine.gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}),
        "machine.threads": str(torch.get_num_threads()),
    }


def of_training(params: Params, hparams: Hparams, root: Path = Path()) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the tags, and the files by name, of a model that is about to be trained.

    Args:
        params: of the pipeline.
        hparams: that the model is trained with; where a sweep found them, they take the place of `params`' own.
        root: of the checkout.
    """
    facts = tags(root)
    files = {
        PARAMS: to_yaml({**params.model_dump(mode="json"), **hparams.model_dump(mode="json")}),
        INSTALLED: installed(),
        **locked(root),
    }
    if facts["git.dirty"] == "true":
        files[CHANGES] = changes(root)
    facts |= _teacher(root)
    facts["task"] = params.task
    facts["data.path"] = params.data.path
    if LOCK in files:
        facts |= _source_digest(root / LOCK, params.data.path)
    return facts | _sweep(root) | digests(files), files


def locked(root: Path = Path()) -> dict[str, bytes]:
    """Return dvc.lock under its name, if there is one: without DVC there is none."""
    path = root / LOCK
    return {LOCK: path.read_bytes()} if path.exists() else {}


def digests(files: dict[str, bytes]) -> dict[str, str]:
    """Return the tags that hold the files' digests."""
    return {DIGESTS[name]: digest(content) for name, content in files.items()}


def digest(content: bytes) -> str:
    """Return a SHA-256."""
    return hashlib.sha256(content).hexdigest()


def installed() -> bytes:
    """Return every installed distribution, a line `name==version` each."""
    found = {
        f"{distribution.metadata['Name']}=={distribution.version}"
        for distribution in importlib.metadata.distributions()
    }
    return "".join(f"{line}\n" for line in sorted(found, key=str.lower)).encode()


def _source_digest(lock: Path, path: str) -> dict[str, str]:
    """Return the digest that DVC has of what `data.path` names."""
    stages: dict[str, Any] = read_yaml(lock, "`dvc repro` writes it").get("stages", {})
    found = [
        dep["md5"] for dep in stages.get("collect", {}).get("deps", []) if dep["path"] == path and "md5" in dep
    ]
    return {"data.source.digest": f"md5:{found[0]}"} if found else {}


def _teacher(root: Path) -> dict[str, str]:
    """Return which model's predictions the encoded data have."""
    path = root / layout.TEACHER
    found: dict[str, str] = read_json(path) if path.exists() else {}
    return {f"teacher.{key}": value for key, value in found.items()}


def _sweep(root: Path) -> dict[str, str]:
    path = root / layout.SWEEP_REPORT
    report = read_json(path) if path.exists() else {}
    if "best_trial" not in report:
        return {}
    return {"sweep.study": report["study"], "sweep.trial": str(report["best_trial"])}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def to_yaml(content: dict[str, Any]) -> bytes:
    """Return values as a YAML file."""
    from ruamel.yaml import YAML

    written = io.BytesIO()
    YAML().dump(content, written)
    return written.getvalue()
