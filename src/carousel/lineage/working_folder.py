"""Whether the last registered version was made of what is in the working folder."""

import json
from pathlib import Path
from typing import Any

from carousel import layout


def changed_stages(root: Path) -> dict[str, list[str]] | None:
    """Return the stages that `dvc repro` would run because of a change, each with the paths that changed.

    Stages that would run only because an earlier one does are left out.

    Args:
        root: of the checkout.

    Returns:
        None where DVC cannot tell, for example in a checkout that is read-only.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    if not (root / layout.LOCK).exists():
        return {stage: [layout.LOCK.name] for stage in layout.STAGES[:1]}
    try:
        with Repo(str(root)) as repo:
            status: dict[str, list[Any]] = repo.status()
    except (DvcException, OSError):
        return None
    return {stage: sorted(set(_paths(parts))) for stage, parts in status.items()}


def damaged_lock(root: Path) -> str | None:
    """Return what to do about DVC's lock file where a full disk cut it short; None where it is whole.

    DVC refuses to work with such a file, and says no more than that its structure is corrupted.
    """
    path = root / layout.DVC_LOCK
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return f"{layout.DVC_LOCK} was cut short, as a full disk leaves it: delete it, and DVC works again"
    except OSError:
        return None
    return None


def _paths(parts: list[Any]) -> list[str]:
    """Return the names in what DVC reports: `{"changed deps": {"params.yaml": {"model": "modified"}}}`."""
    found: list[str] = []
    for part in parts:
        if isinstance(part, dict):
            for changed in part.values():
                for path, state in changed.items():
                    found += [f"{path}: {key}" for key in state] if isinstance(state, dict) else [path]
        else:  # "changed command", "always changed"
            found.append(str(part))
    return found
