"""`carousel summary`: what `make run` ends with."""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from carousel import layout
from carousel.cli.output import cell, console, fields, table
from carousel.errors import UserError
from carousel.files import read_json

_PURPOSE = {
    "compare": "compare it with the champion",
    "promote": "make it the champion",
    "status": "show which version is live, and why",
}


def summary(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show the result of the last `dvc repro`: metrics, baseline, version, seconds by stage.

    [dim]carousel summary[/dim]
    """
    registered = read_json(layout.REGISTERED_REPORT)
    seconds = {stage: layout.SECONDS / f"{stage}.json" for stage in layout.STAGES}
    aliases, commands = _now(registered)
    found = {
        "test": read_json(layout.TEST_REPORT),
        "baseline": read_json(layout.BASELINE_REPORT),
        "registered": {**registered, "aliases": aliases},
        "seconds": {stage: read_json(path)["seconds"] for stage, path in seconds.items() if path.exists()},
    }
    unfinished = [stage for stage, path in seconds.items() if not path.exists()]
    if as_json:
        print(json.dumps({**found, "unfinished": unfinished}, indent=2))
    else:
        _show(found, commands)
        if unfinished:
            print(
                f"the last `dvc repro` did not finish ({', '.join(unfinished)}); these results are of an earlier "
                "one; `dvc repro` goes on"
            )


def _now(registered: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the aliases that the registered version has now, and the commands that lead on."""
    from carousel.registry.live import live
    from carousel.tracking.store import command_to_register, connect

    client = connect(create=False)
    now = live(client, registered["name"])
    for version in now.versions:
        if version.number == registered["version"]:
            return list(version.aliases), now.next_commands() or ["carousel status"]
    raise UserError(
        f"{layout.REGISTERED_REPORT}: names {registered['name']} version {registered['version']}, which is not in "
        f"the store; `{command_to_register(client)}` registers the model again"
    )


def _show(found: dict[str, Any], commands: list[str]) -> None:
    from carousel.params import load
    from carousel.points import points
    from carousel.task import find

    task, screen = find(load().task), console()
    test, baseline, registered = found["test"], found["baseline"], found["registered"]
    shown = table("on the test split", *(metric.title for metric in task.metrics))
    for column in shown.columns[1:]:
        column.justify = "right"
    names = [metric.name for metric in task.metrics]
    shown.add_row("this model", *(f"{test[name]:.4f}" for name in names), style="bold")
    shown.add_row(task.baseline_noun, *(f"{baseline[name]:.4f}" for name in names))
    shown.add_row("difference in points", *(points(test[name], baseline[name]) for name in names))
    seconds = found["seconds"]
    timed = " · ".join(f"{stage} {value:.0f}" for stage, value in seconds.items())
    aliases = ", ".join(registered["aliases"]) or "no alias"
    screen.print()
    screen.print(shown)
    screen.print()
    facts = fields()
    facts.add_row("registered", cell(f"{registered['name']} version {registered['version']} ({aliases})"))
    facts.add_row("seconds", f"{timed} · in all {sum(seconds.values()):.0f}")
    screen.print(facts)
    screen.print()
    steps = [
        ("carousel ui", "compare runs in MLflow"),
        ('carousel predict "a text"', "predict for a text"),
        *((command, _PURPOSE[command.split()[1]]) for command in commands),
    ]
    own = Path(".venv/bin/")
    folder = "" if shutil.which("carousel") or not (own / "carousel").exists() else f"{own}/"
    following = fields()
    for number, (command, purpose) in enumerate(steps):
        following.add_row("" if number else "next", cell(f"{folder + command:<47}{purpose}"))
    screen.print(following)
