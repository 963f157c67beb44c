"""`carousel new` and `carousel upgrade`."""

from pathlib import Path
from typing import Annotated

import typer

from carousel.cli.output import say, say_diff
from carousel.cli.project import user_path
from carousel.errors import Refused, UserError
from carousel.params.file import DEFAULT_TASK
from carousel.task_modules import TASKS


def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The new folder; it also names the model.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Your file or folder; default: the task's built-in data.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="The column of the texts.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="The column of the labels.")] = None,
    tokens: Annotated[str | None, typer.Option("--tokens", help="Of tagging: the column of the tokens.")] = None,
    tags: Annotated[str | None, typer.Option("--tags", help="Of tagging: the column of the tags.")] = None,
    task: Annotated[str, typer.Option("--task", help=f"One of {', '.join(TASKS)}.")] = DEFAULT_TASK,
) -> None:
    """Make a project: pipeline, parameters, a copy of the data under DVC, a git repository with a first commit.

    Columns that are not named are guessed and shown.

    [dim]carousel new reviews --data reviews.csv --text review --label sentiment[/dim]
    """
    from carousel.task_modules import module
    from carousel.template.creation import create

    options = {"text": text, "label": label, "tokens": tokens, "tags": tags}
    given = {
        name: int(value) if value.isdecimal() else value for name, value in options.items() if value is not None
    }
    known = module(task, "data").Data.model_fields
    for name in given:
        if name not in known:
            raise UserError(f"--{name}: the task {task} has no such column; --task names another task")
    created = create(user_path(folder).resolve(), task, None if data is None else user_path(data), given)
    for role, column in created.columns.items():
        say(f"{role} column: {column}{'' if role in given else ' (guessed; data in params.yaml changes it)'}")
    for line in created.read:
        say(line)
    say(f"made {created.folder}{f'; {created.note}' if created.note else ''}")
    say(f"next: cd {folder} && dvc repro")


def upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes without writing them.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also replace files that you edited; git has your edits.")
    ] = False,
) -> None:
    """Bring the project's files to the installed version of Carousel, and show what changes.

    [dim]carousel upgrade --dry-run[/dim]
    """
    from carousel.template.upgrade import apply, plan

    found = plan()
    if found.old == found.new:
        say(f"the project is for Carousel {found.new.version}, which is installed; nothing changes")
        return
    for change in found.changes:
        stays = change.edited and not replace
        say(f"{change.path}: {'edited, and kept; the new version differs so' if stays else 'changes'}")
        say_diff(change.before.decode("utf-8", "replace"), change.after.decode("utf-8", "replace"))
    which = ", ".join(found.stages) or "no stage"
    if dry_run:
        say(f"Carousel {found.old.version} to {found.new.version}: `dvc repro` would run {which} again")
        return
    if any(change.edited for change in found.changes) and replace:
        _check_committed([change.path for change in found.changes if change.edited])
    apply(found, replace_edited=replace)
    say(f"Carousel {found.old.version} to {found.new.version}: `dvc repro` runs {which} again, and what follows")


def _check_committed(paths: list[str]) -> None:
    """Raise Refused where an edit would be lost."""
    from carousel.tracking.repository import GitError, git

    try:
        changed = git(Path(), "status", "--porcelain", "--", *paths).decode("utf-8", "replace").split("\n")
    except GitError as error:
        raise Refused(f"--replace: your edits would be lost: {error}") from error
    if changed[0]:
        raise Refused(f"--replace: {changed[0][3:]} has changes that git does not have: commit them first")
