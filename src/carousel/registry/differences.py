"""What two registered versions were made of: params, data, code and environment, where they differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from carousel.corpus.document import SPLITS
from carousel.registry.versions import FINGERPRINT, Version
from carousel.tracking import lineage, repository
from carousel.tracking.repository import GitError
from carousel.tracking.store import has_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

Group = Literal["params", "data", "code", "environment"]
GROUPS: tuple[Group, ...] = ("params", "data", "code", "environment")
_ENVIRONMENT = ("python.version", "torch.version", "environment.lock", "machine.processor", "machine.gpu")
_RECORDED: dict[Group, str] = {  # a tag that every version with the group's facts has
    "data": "data.train.digest",
    "code": "git.commit",
    "environment": "torch.version",
}
_SHORT = 12  # characters of a digest or commit


@dataclass(frozen=True)
class Difference:
    """A fact that differs between two versions.

    Attributes:
        group: params, data, code or environment.
        name: of the fact, such as `model.cell`.
        before: its value in the first version; empty without one.
        after: its value in the second version; empty without one.
        note: more about it, such as the number of commits in between.
    """

    group: Group
    name: str
    before: str
    after: str
    note: str = ""


def differences(
    client: "MlflowClient", before: Version, after: Version, root: Path
) -> tuple[list[Difference], list[Group]]:
    """Return what differs between two versions, and the groups that cannot be compared.

    Params are those of the runs, with the values that a sweep found; the rest are tags of the versions.

    Args:
        client: of the store.
        before: the first version.
        after: the second version.
        root: of the checkout whose commits are counted.
    """
    found = [*_data(before.tags, after.tags), *_code(before.tags, after.tags, root)]
    found += [one for tag in _ENVIRONMENT if (one := _tag("environment", tag, before.tags, after.tags))]
    unknown = [group for group, tag in _RECORDED.items() if not (tag in before.tags and tag in after.tags)]
    if not all(has_run(client, version.run_id) for version in (before, after)):
        return found, ["params", *unknown]
    old, new = (client.get_run(version.run_id).data.params for version in (before, after))
    params = [
        Difference("params", key, old.get(key, ""), new.get(key, ""))
        for key in {**old, **new}
        if key != FINGERPRINT and old.get(key, "") != new.get(key, "")
    ]
    return params + found, unknown


def _data(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for tag in ("data.source", "data.path", "data.python", *(f"data.{split}.digest" for split in SPLITS)):
        if (one := _tag("data", tag, old, new)) is not None:
            yield one


def _code(old: Mapping[str, str], new: Mapping[str, str], root: Path) -> Iterator[Difference]:
    commit = _tag("code", "git.commit", old, new)
    if commit is not None:
        yield Difference("code", "commit", commit.before, commit.after, _commits(old, new, root))
    changes = lineage.DIGESTS[lineage.CHANGES]
    dirty = _tag("code", changes, old, new)
    if dirty is not None:
        yield Difference("code", "uncommitted changes", dirty.before or "none", dirty.after or "none")


def _commits(old: Mapping[str, str], new: Mapping[str, str], root: Path) -> str:
    """Return how many commits are between two versions; empty where the checkout does not have both."""
    ends = old.get("git.commit", ""), new.get("git.commit", "")
    if not all(map(repository.is_commit, ends)):
        return ""
    try:
        count = int(repository.git(root, "rev-list", "--count", "..".join(ends)))
    except GitError:
        return ""
    return f"{count} commit{'' if count == 1 else 's'}" if count else "an older commit"


def _tag(group: Group, tag: str, old: Mapping[str, str], new: Mapping[str, str]) -> Difference | None:
    before, after = (_shown(tag, tags.get(tag, "")) for tags in (old, new))
    return Difference(group, tag.removesuffix(".digest"), before, after) if before != after else None


def _shown(tag: str, value: str) -> str:
    is_digest = tag.endswith((".digest", ".lock")) or (tag == "git.commit" and repository.is_commit(value))
    return value[:_SHORT] if is_digest else value
