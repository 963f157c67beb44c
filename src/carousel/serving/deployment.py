"""Which versions answer: a file that the supervisor replaces and that workers poll."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from carousel import files


@dataclass(frozen=True)
class Deployed:
    """A version that was verified, and that loaded in a process of its own.

    Attributes:
        number: of the version.
        aliases: that it has.
        fingerprint: of its bundle.
        file: its exported model.
        digest: SHA-256 of that file.
        precision: of the exported model.
        step: whether it was exported with a state, so that it can read a text piece by piece.
    """

    number: int
    aliases: tuple[str, ...]
    fingerprint: str
    file: Path
    digest: str
    precision: str
    step: bool


@dataclass(frozen=True)
class Failure:
    """A version that cannot be served, and why."""

    number: int
    reason: str


@dataclass(frozen=True)
class Deployment:
    """What a service answers with.

    Attributes:
        name: of the registered model.
        versions: that answer requests.
        champion: number of the version that answers by default.
        canary: number of the version that a fraction of requests goes to.
        canary_fraction: from 0 to 1.
        shadow: the version that predicts silently.
        failures: versions that should be served, and are not.
        registry_error: why the registry could not be asked the last time; empty if it could.
    """

    name: str
    versions: tuple[Deployed, ...]
    champion: int
    canary: int | None = None
    canary_fraction: float = 0.0
    shadow: Deployed | None = None
    failures: tuple[Failure, ...] = ()
    registry_error: str = ""

    def version(self, number: int) -> Deployed | None:
        """Return a version by its number."""
        return next((one for one in self.versions if one.number == number), None)

    def save(self, file: Path) -> None:
        """Replace the file."""
        files.write_text(file, json.dumps(asdict(self), indent=2, default=str) + "\n")

    @classmethod
    def load(cls, file: Path) -> "Deployment":
        """Read what `save` wrote."""
        fields = json.loads(file.read_text("utf-8"))
        fields["versions"] = tuple(map(_deployed, fields["versions"]))
        fields["shadow"] = _deployed(fields["shadow"]) if fields["shadow"] else None
        fields["failures"] = tuple(Failure(**one) for one in fields["failures"])
        return cls(**fields)


def _deployed(fields: dict[str, Any]) -> Deployed:
    return Deployed(**(fields | {"aliases": tuple(fields["aliases"]), "file": Path(fields["file"])}))


def stamp(file: Path) -> tuple[int, int, int]:
    """Return what changes when a file is replaced; zeros if there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
