"""`carousel summary`: what `make run` ends with."""

import json
from typing import Annotated, Any

import typer

from carousel import layout
from carousel.cli.output import cell, console, table
from carousel.errors import UserError
from carousel.files import read_json


def summary(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show the result of the last `dvc repro`: metrics, baseline, version, seconds by stage.

    [dim]carousel summary[/dim]
    """
    registered = read_json(layout.REGISTERED_REPORT)
    seconds = {stage: layout.SECONDS / f"{stage}.json" for stage in layout.STAGES}
    found = {
        "test": read_json(layout.TEST_REPORT),
        "baseline": read_json(layout.BASELINE_REPORT),
        "registered": {**registered, "aliases": _aliases_now(registered)},
        "seconds": {stage: read_json(path)["seconds"] for stage, path in seconds.items() if path.exists()},
    }
    unfinished = [stage for stage, path in seconds.items() if not path.exists()]
    if as_json:
        print(json.dumps({**found, "unfinished": unfinished}, indent=2))
    else:
        _show(found)
        if unfinished:
            print(
                f"the last `dvc repro` did not finish ({', '.join(unfinished)}); these results are of an earlier "
                "one; `dvc repro` goes on"
            )


def _aliases_now(registered: dict[str, Any]) -> list[str]:
    from carousel.registry.versions import get
    from carousel.tracking.store import connect

    try:
        return list(get(connect(), registered["name"], registered["version"]).aliases)
    except UserError as error:
        raise UserError(
            f"{error}. {layout.REGISTERED_REPORT} names a version of another store: "
            "`dvc repro --force` registers it in this one"
        ) from error


def _show(found: dict[str, Any]) -> None:
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
    screen.print(cell(f"registered {registered['name']} version {registered['version']} ({aliases})"))
    screen.print(f"seconds    {timed} · in all {sum(seconds.values()):.0f}")
    screen.print()
    screen.print("next  make ui                                compare runs in MLflow")
    screen.print('      .venv/bin/carousel predict "a text"    predict for a text')
    if "champion" not in registered["aliases"]:
        which = "challenger" if "challenger" in registered["aliases"] else registered["version"]
        screen.print(f"      .venv/bin/carousel promote {which:<11} make it the champion")
