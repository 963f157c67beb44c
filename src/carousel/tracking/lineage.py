"""Where a model comes from: commit, data, vocabulary, code, machine."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from carousel import __version__
from carousel.files import read_json

NOT_GIT = "not a git checkout"


def git(root: Path) -> dict[str, str]:
    """Return the commit and whether files differ from it; outside a git checkout, tags that say so."""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        top = Path(_git(root, "rev-parse", "--show-toplevel")).resolve()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return {"git.commit": NOT_GIT, "git.dirty": "unknown"}
    if top != root.resolve():  # an unpacked release inside another project's checkout
        return {"git.commit": NOT_GIT, "git.dirty": "unknown"}
    return {"git.commit": commit, "git.dirty": str(bool(changed)).lower()}


def data_digests(root: Path = Path()) -> dict[str, str]:
    """Return the digest of each prepared split."""
    digests: dict[str, str] = read_json(root / "data/prepared/digests.json")
    return digests


def tags(root: Path = Path()) -> dict[str, str]:
    """Return what every run's tags say of its origin."""
    source: dict[str, Any] = read_json(root / "reports/source.json")
    experiment = os.environ.get("DVC_EXP_NAME")
    return {
        **git(root),
        **({"dvc.experiment": experiment} if experiment else {}),
        "data.source": str(source["source"]),
        **({"data.python": source["python"]} if "python" in source else {}),
        **{f"data.{split}.digest": digest for split, digest in data_digests(root).items()},
        "carousel.version": __version__,
        "python.version": platform.python_version(),
    }


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()
