"""`carousel use`."""

from pathlib import Path
from typing import Annotated

import typer

from carousel import layout
from carousel.cli.output import say, say_diff
from carousel.errors import UserError
from carousel.files import write_text
from carousel.task_modules import TASKS


def use(
    task: Annotated[str, typer.Argument(metavar="TASK", help=f"One of {', '.join(TASKS)}.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change without writing it.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace params.yaml even if git does not have its content.")
    ] = False,
) -> None:
    """Write the complete parameters of a task, presets/TASK.yaml, over params.yaml, and show the difference.

    [dim]carousel use tagging[/dim]
    """
    if task not in TASKS:
        raise UserError(f"{task}: no such task; there are {', '.join(TASKS)}")
    preset = layout.PRESETS / f"{task}.yaml"
    if not preset.exists():
        raise UserError(f"{preset}: no such file; run from the project's root")
    before = layout.PARAMS.read_text(encoding="utf-8") if layout.PARAMS.exists() else ""
    after = preset.read_text(encoding="utf-8")
    if before == after:
        say(f"{layout.PARAMS} is {preset} already")
        return
    say_diff(before, after)
    if dry_run:
        return
    if before and not force and not _is_kept(before):
        raise UserError(
            f"{layout.PARAMS}: git does not have its content, which would be lost: commit it, or use --force"
        )
    write_text(layout.PARAMS, after)
    say(f"{layout.PARAMS} is {preset} now; `dvc repro` runs the pipeline")


def _is_kept(content: str) -> bool:
    """Return whether params.yaml can be had again: it is a preset, or in git's last commit or index."""
    from carousel.tracking.repository import GitError, git

    if any(content == path.read_text(encoding="utf-8") for path in layout.PRESETS.glob("*.yaml")):
        return True
    for place in ("HEAD:./", ":./"):
        try:
            if git(Path(), "show", f"{place}{layout.PARAMS}").decode("utf-8") == content:
                return True
        except (GitError, UnicodeDecodeError):
            continue
    return False
