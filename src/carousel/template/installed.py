"""carousel.yaml: the version of Carousel that a project is for, and digests of its code and files."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from carousel import __version__, layout
from carousel.errors import UserError
from carousel.params import read_yaml
from carousel.template.files import code_digests, project_files


@dataclass(frozen=True)
class Installed:
    """What a project was made with.

    Attributes:
        version: of Carousel.
        code: digest of the code of each stage.
        files: digest of each file of the template, as it was written.
    """

    version: str
    code: dict[str, str]
    files: dict[str, str]

    @classmethod
    def now(cls) -> "Installed":
        """Return what the installed version writes."""
        return cls(__version__, code_digests(), {path: digest(data) for path, data in project_files().items()})

    def to_yaml(self) -> str:
        """Return the content of carousel.yaml."""
        from ruamel.yaml import YAML

        content = io.StringIO()
        YAML().dump({"version": self.version, "code": self.code, "files": self.files}, content)
        return (
            "# Written by `carousel new` and `carousel upgrade`: the version, the code of each stage\n"
            f"# (dvc.yaml depends on it), and the files as that version wrote them\n{content.getvalue()}"
        )


def read(root: Path = Path()) -> Installed | None:
    """Return what a project was made with; None for Carousel's own repository, which runs its source.

    Raises:
        UserError: when carousel.yaml is damaged.
    """
    path = root / layout.INSTALLED
    if not path.exists():
        return None
    content = read_yaml(path, "")
    try:
        return Installed(str(content["version"]), dict(content["code"]), dict(content["files"]))
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{path}: damaged; `git checkout {path}` restores it") from error


def mismatch(root: Path = Path()) -> str | None:
    """Return what to do if a project is for another version of Carousel than is installed."""
    found = read(root)
    if found is None or found.version == __version__:
        return None
    return (
        f"Carousel {__version__} is installed, and {layout.INSTALLED} is for {found.version}: "
        "`carousel upgrade --dry-run` shows what changes, `carousel upgrade` changes it"
    )


def check(root: Path = Path()) -> None:
    """Check that a project runs with the version of Carousel that it is for.

    Raises:
        UserError: when another one is installed.
    """
    if (line := mismatch(root)) is not None:
        raise UserError(line)


def digest(content: bytes) -> str:
    """Return the digest of a file's content."""
    return hashlib.sha256(content).hexdigest()[:16]
