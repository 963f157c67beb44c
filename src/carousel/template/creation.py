"""A new project in a folder of its own: whole, or not there at all."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from carousel import __version__, layout
from carousel.errors import UserError
from carousel.files import replacing
from carousel.params import Params, load
from carousel.params.edit import with_values
from carousel.params.names import check_model_name
from carousel.task import find
from carousel.template import plots_page
from carousel.template.files import is_script, project_files
from carousel.template.installed import Installed
from carousel.tracking import repository
from carousel.tracking.repository import GitError

README = """\
# {name}

A project of Carousel {version}, which learns from {data}.

- `dvc repro` runs the pipeline: from the data to a registered model version. `reports/model.html` shows the result.
- `carousel status` says which version is live and what is waiting; `carousel promote challenger` makes one live.
- `carousel ui` opens MLflow on the runs; `carousel predict "a text"` predicts with the live version.
- `params.yaml` has all settings. `dvc exp run --temp -S sweep.trials=30` searches hyperparameters.
- Commit `params.yaml`, `dvc.lock` and `reports/` after a run: `git add . && git commit`.
- After `pip install` of another version: `carousel upgrade`.
"""


@dataclass(frozen=True)
class Created:
    """A project that was made.

    Attributes:
        folder: where it is.
        columns: keys of the section `data` that were found or given.
        read: what the data are, a line each.
        note: why git does not have its files yet; empty if it has.
    """

    folder: Path
    columns: dict[str, Any]
    read: list[str]
    note: str


def create(folder: Path, task: str, data: Path | None, given: Mapping[str, Any]) -> Created:
    """Make a project, with its data under DVC and a first commit.

    Args:
        folder: that does not exist yet, or is empty.
        task: of its params.yaml.
        data: the user's file or folder, which is copied; None for the task's built-in data.
        given: keys of the section `data`, such as `text` and `label`.

    Raises:
        UserError: when the folder is in use, its name cannot be a model's, or the data cannot be used; nothing is
            made then.
    """
    try:
        name = check_model_name(folder.name)
    except ValueError as error:
        raise UserError(f"{folder}: the folder names the registered model, and {error}") from error
    if folder == Path.cwd() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UserError(f"{folder}: exists already; name a new folder")
    if data is None and given:
        raise UserError(f"--{next(iter(given))}: needs --data, the file that has this column")
    if data is not None and not data.exists():
        raise UserError(f"{data}: no such file or folder")
    source = find(task).source
    columns = {} if data is None else source.columns(data, given)
    with replacing(folder) as made:
        _write(made, name, task, data, columns)
        params = load(made / layout.PARAMS)
        read = _check(made, params) if data is not None else []
        nested, note = _initialise(made)
        plots_page.enable(made)
        if data is not None:
            _run(made, [sys.executable, "-m", "dvc", "add", "--quiet", params.data.path])
        if not nested:
            note = note or _commit(made)
    return Created(folder, columns, read, note)


def _write(folder: Path, name: str, task: str, data: Path | None, columns: Mapping[str, Any]) -> None:
    files = project_files()
    preset = (layout.PRESETS / f"{task}.yaml").as_posix()
    values: dict[str, Any] = {}
    if data is not None:
        path = (layout.DATA / data.name).as_posix()
        values = {
            **find(task).source.file_params(),
            "data.path": path,
            **{f"data.{key}": value for key, value in columns.items()},
            "registry.name": name,
        }
    params = files[preset].decode("utf-8")
    files = files | {
        str(layout.PARAMS): with_values(params, values).encode() if values else params.encode(),
        str(layout.INSTALLED): Installed.now().to_yaml().encode(),
        "README.md": README.format(
            name=name, version=__version__, data=f"`{values['data.path']}`" if data else "built-in data"
        ).encode(),
    }
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        if is_script(content):
            place.chmod(0o755)
    if data is None:
        return
    copy = folder / values["data.path"]
    if copy.exists():
        raise UserError(f"{data}: a project has a file {PurePath(values['data.path'])} of its own; rename yours")
    try:
        if data.is_dir():
            shutil.copytree(data, copy)
        else:
            shutil.copyfile(data, copy)
    except OSError as error:
        raise UserError(f"{data}: could not be copied: {error.strerror}") from error


def _check(folder: Path, params: Params) -> list[str]:
    """Read the data as the first stage will.

    Raises:
        UserError: when there is nothing to learn; its paths are those of the new project.
    """
    task = find(params.task)
    try:
        collected = task.source.collect(params.data, folder)
        task.source.check(params.data, collected.documents, collected.rejected)
    except UserError as error:
        raise UserError(str(error).replace(f"{folder}/", "")) from error
    described = task.source.describe(params.data, collected.documents, collected.rejected)
    return task.source_lines(collected, described)


def _initialise(folder: Path) -> tuple[bool, str]:
    """Put a new project under git, unless it is; return whether it was, and what the user has to know."""
    nested, note = False, ""
    try:
        top = repository.top_of(folder)
        nested, note = True, f"it is a part of the git repository {top}: commit it there"
    except GitError as error:
        if str(error) == repository.NOT_GIT:
            try:
                repository.git(folder, "init", "--quiet")
            except GitError as refused:
                note = f"it is not under git: {refused}"
        else:
            note = f"it is not under git: {error}"
    _run(folder, ["sh", "pipeline/scm"])  # tells DVC whether there is git
    return nested, note


def _commit(folder: Path) -> str:
    """Commit a new project; return the reason if git refuses."""
    try:
        repository.git(folder, "add", "--all")
        repository.git(folder, "commit", "--quiet", "--message", f"Start with Carousel {__version__}")
    except GitError as error:
        return f"its first commit failed: {error}"
    return ""


def _run(folder: Path, command: list[str]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=repository.environment(),
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or [f"exit code {done.returncode}"]
        raise UserError(f"{' '.join(command[-4:])}: {said[-1]}")
