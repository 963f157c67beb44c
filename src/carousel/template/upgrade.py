"""What the installed version of Carousel changes in a project that another version made."""

from dataclasses import dataclass
from pathlib import Path

from carousel import layout
from carousel.errors import UserError
from carousel.files import write_bytes
from carousel.template import installed
from carousel.template.files import is_script, project_files
from carousel.template.installed import Installed, digest

# The user's own from the first day
KEPT = (str(layout.PARAMS), ".gitignore")


@dataclass(frozen=True)
class Change:
    """A file that differs from what the installed version has.

    Attributes:
        path: of the file.
        before: its content; empty if it is not there.
        after: the installed version's; empty if it has no such file any more.
        edited: whether the user edited the file, so that it stays as it is.
    """

    path: str
    before: bytes
    after: bytes
    edited: bool


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade does.

    Attributes:
        old: what the project is for.
        new: what is installed.
        changes: of files.
        stages: whose code differs, so that `dvc repro` runs them again.
    """

    old: Installed
    new: Installed
    changes: list[Change]
    stages: list[str]


def plan(root: Path = Path()) -> Upgrade:
    """Compare a project with the installed version.

    Raises:
        UserError: in a folder that `carousel new` did not make.
    """
    old, new = installed.read(root), Installed.now()
    if old is None:
        raise UserError(
            f"{layout.INSTALLED}: no such file; `carousel new` makes it, and this project runs the source in src/"
        )
    changes = []
    for path in sorted(old.files.keys() | new.files.keys()):
        before, after = _content(root / path), project_files().get(path, b"")
        if path in KEPT or before == after:
            continue
        # a file that this version leaves as it was is the user's to edit
        if old.files.get(path) == new.files.get(path):
            continue
        edited = digest(before) != old.files.get(path) if before else path in old.files
        changes.append(Change(path, before, after, edited))
    stages = [stage for stage in layout.STAGES if old.code.get(stage) != new.code.get(stage)]
    return Upgrade(old, new, changes, stages)


def apply(upgrade: Upgrade, root: Path = Path(), *, replace_edited: bool = False) -> None:
    """Write the changes; files that the user edited stay, unless they are to be replaced."""
    for change in upgrade.changes:
        if change.edited and not replace_edited:
            continue
        place = root / change.path
        if not change.after:
            place.unlink()
            continue
        write_bytes(place, change.after)
        if is_script(change.after):
            place.chmod(0o755)
    write_bytes(root / layout.INSTALLED, upgrade.new.to_yaml().encode())


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
