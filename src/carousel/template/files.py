"""The files of a project: those of this repository's root, of which a wheel has a copy."""

import hashlib
import re
from functools import cache
from pathlib import Path

import carousel
from carousel import layout
from carousel.errors import UserError

PACKAGE = Path(carousel.__file__).parent
COPY = Path(__file__).parent / "project"  # in a wheel; setup.py makes it
PATTERNS = Path(__file__).with_name("patterns.txt")

_STAGE = re.compile(r"  (\w+):")
_SOURCE = re.compile(r"      - src/carousel/(\S+)")


@cache
def project_files() -> dict[str, bytes]:
    """Return the content of each file of a project by its path, without what depends on its data.

    Raises:
        UserError: when the installation has none.
    """
    found = _root_files()
    found[str(layout.PIPELINE)] = _of_installed(found[str(layout.PIPELINE)].decode("utf-8")).encode("utf-8")
    return found


def is_script(content: bytes) -> bool:
    """Whether a file of a project can be executed."""
    return content.startswith(b"#!")


def code_digests() -> dict[str, str]:
    """Return a digest of the installed code of each stage, which changes when an upgrade changes that code."""
    sources: dict[str, list[str]] = {}
    stage = ""
    for line in _root_files()[str(layout.PIPELINE)].decode("utf-8").split("\n"):
        if found := _STAGE.fullmatch(line):
            stage = found[1]
        elif found := _SOURCE.fullmatch(line):
            sources.setdefault(stage, []).append(found[1].replace("${task}", "*"))
    return {stage: _digest(patterns) for stage, patterns in sources.items()}


def _root_files() -> dict[str, bytes]:
    root = COPY if COPY.is_dir() else PACKAGE.parents[1]
    paths = {
        path for pattern in PATTERNS.read_text("utf-8").split() for path in root.glob(pattern) if path.is_file()
    }
    if root / layout.PIPELINE not in paths:
        raise UserError(f"{root}: has no template of a project; install Carousel from a wheel or its repository")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(paths)}


def _of_installed(pipeline: str) -> str:
    """Return dvc.yaml whose stages depend on digests of installed code in place of source files."""
    lines, stage, depends = [], "", False
    for line in pipeline.split("\n"):
        if found := _STAGE.fullmatch(line):
            stage, depends = found[1], False
        if _SOURCE.fullmatch(line):
            depends = True
            continue
        lines.append(line)
        if depends and line == "    params:":
            lines += [f"      - {layout.INSTALLED}:", f"          - code.{stage}"]
    return "\n".join(lines)


def _digest(patterns: list[str]) -> str:
    """Return a digest of the Python files and templates that patterns name within the package."""
    total = hashlib.sha256()
    found = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    files = found | {inner for path in found if path.is_dir() for inner in path.rglob("*")}
    for path in sorted(files):
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(f"{path.relative_to(PACKAGE).as_posix()}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]
