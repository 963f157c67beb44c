"""`carousel status`."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from carousel import layout
from carousel.cli.output import cell, console, fields, print_json, table
from carousel.cli.registry import JsonOption, NameOption, model_name, warn_of_trail
from carousel.files import read_json
from carousel.times import local_time

if TYPE_CHECKING:
    from rich.table import Table

    from carousel.registry.differences import Difference, Group
    from carousel.registry.live import Live
    from carousel.registry.promotion import Event
    from carousel.registry.versions import Version

_LISTED = 6  # differences of a group


def status(name: NameOption = None, as_json: JsonOption = False) -> None:
    """Show which version is live, since when and why, what changed with it, and what is waiting.

    [dim]carousel status[/dim]
    """
    from carousel.lineage.working_folder import changed_stages
    from carousel.registry.differences import differences
    from carousel.registry.live import live
    from carousel.template.installed import mismatch
    from carousel.tracking.store import connect, how_to_register, main_checkout

    name, root = name or model_name(), main_checkout()
    client = connect(create=False)
    now = live(client, name)
    warn_of_trail(client, name, list(now.versions))
    changed, unknown = (
        differences(client, now.previous, now.champion, root) if now.champion and now.previous else ([], [])
    )
    stages = changed_stages(root)
    if as_json:
        print_json(_to_json(name, now, changed, unknown, stages), indent=2)
        return
    screen = console()
    facts = fields()
    if now.champion is None:
        screen.print(cell(f"{name}: no version is live{f': {now.lost}' if now.lost else ''}", "bold"))
    else:
        screen.print(cell(f"{name} version {now.champion.number} is live", "bold"))
        _add(facts, _promotion(now.event))
    if now.champion is not None and now.previous is not None:
        facts.add_row()
        facts.add_row("changed", cell(f"since version {now.previous.number}, the champion before"))
        _add(facts, _changes(changed, unknown))
    if facts.row_count:
        facts.add_row()
    _add(facts, _waiting(now))
    facts.add_row("folder", cell(_folder(now, stages)))
    if (line := mismatch()) is not None:
        facts.add_row("version", cell(line))
    commands = now.next_commands() or ([] if now.versions else [how_to_register(client, name)])
    for number, command in enumerate(commands):
        facts.add_row("" if number else "next", cell(command))
    if (metrics := _metrics(now)) is not None:
        screen.print()
        screen.print(metrics)
    screen.print()
    screen.print(facts)


def _add(facts: "Table", rows: Iterator[tuple[str, str]]) -> None:
    for title, value in rows:
        facts.add_row(title, cell(value))


def _promotion(event: "Event | None") -> Iterator[tuple[str, str]]:
    if event is None:
        yield "since", "unknown: the alias was not set by `carousel promote`"
        return
    done = {
        "promote": "promoted",
        "force": "promoted by force",
        "rollback": f"rolled back from version {event.source}",
    }[event.action]
    yield "since", f"{local_time(datetime.fromisoformat(event.when).timestamp())}, {done} by {event.who}"
    yield "reason", event.reason or "none given"
    if event.action == "rollback":
        yield "gates", "none: a rollback has no gates"
        return
    states: dict[str, list[str]] = {}
    for gate in event.gates:
        states.setdefault(gate["state"], []).append(gate["gate"])
    listed = "; ".join(f"{state}: {', '.join(gates)}" for state, gates in states.items())
    yield "gates", listed if event.is_measured else f"none was measured{f'; {listed}' if listed else ''}"


def _changes(changed: "list[Difference]", unknown: "list[Group]") -> Iterator[tuple[str, str]]:
    from carousel.registry.differences import GROUPS

    for group in GROUPS:
        found = [_difference(one) for one in changed if one.group == group]
        if len(found) > _LISTED:
            found = [*found[:_LISTED], f"and {len(found) - _LISTED} more (--json lists all)"]
        yield group, ", ".join(found) or ("not recorded" if group in unknown else "the same")


def _difference(one: "Difference") -> str:
    note = f" ({one.note})" if one.note else ""
    return f"{one.name} {one.before or 'none'} → {one.after or 'none'}{note}"


def _waiting(now: "Live") -> Iterator[tuple[str, str]]:
    if now.candidate is None:
        yield "waiting", "no version"
        return
    alias = "challenger" if now.candidate == now.challenger else "the newest one"
    when = local_time(now.candidate.created / 1000)
    yield "waiting", f"version {now.candidate.number} ({alias}), registered {when}"


def _folder(now: "Live", stages: dict[str, list[str]] | None) -> str:
    from carousel.lineage.working_folder import damaged_lock
    from carousel.tracking.store import main_checkout

    if (damage := damaged_lock(main_checkout())) is not None:
        return damage
    if stages is None:
        return "cannot be checked: DVC cannot write to it"
    if stages:
        listed = "; ".join(f"{stage} ({', '.join(paths)})" for stage, paths in stages.items())
        return f"changed since the last `dvc repro`, which would run {listed}"
    registered = read_json(layout.REGISTERED_REPORT) if layout.REGISTERED_REPORT.exists() else {}
    known = registered.get("name") == now.name and registered["version"] in {one.number for one in now.versions}
    return f"as it was for version {registered['version']}" if known else "as it was for the last `dvc repro`"


def _metrics(now: "Live") -> "Table | None":
    from carousel.points import points
    from carousel.registry.versions import BASELINE, TEST, TEST_DIGEST, number, task_of
    from carousel.task import find

    rows = [("champion", now.champion), ("before it", now.previous), ("waiting", now.candidate)]
    shown = [(title, version) for title, version in rows if version is not None]
    if not shown:
        return None
    reference = shown[0][1]
    task = find(task_of([reference]))
    made = table("on the test split", "", *(part for metric in task.metrics for part in (metric.title, "points")))
    for column in made.columns[2:]:
        column.justify = "right"

    def scores(version: "Version", prefix: str) -> Iterator[str]:
        same = version.tags.get(TEST_DIGEST) == reference.tags.get(TEST_DIGEST)
        for metric in task.metrics:
            value, base = number(version.tags, prefix + metric.name), number(reference.tags, TEST + metric.name)
            itself = version == reference and prefix == TEST
            yield f"{value:.4f}" if value is not None else ""
            yield points(value, base) if value is not None and base is not None and same and not itself else ""

    for place, (title, version) in enumerate(shown):
        other = version.tags.get(TEST_DIGEST) != reference.tags.get(TEST_DIGEST)
        what = f"version {version.number}{', other test data' if other else ''}"
        made.add_row(title, cell(what), *scores(version, TEST), style=None if place else "bold")
    made.add_row("baseline", cell(task.baseline_noun), *scores(reference, BASELINE))
    return made


def _to_json(
    name: str,
    now: "Live",
    changed: "list[Difference]",
    unknown: "list[Group]",
    stages: dict[str, list[str]] | None,
) -> dict[str, Any]:
    def version(one: "Version | None") -> dict[str, Any] | None:
        return one.to_json() if one is not None else None

    return {
        "name": name,
        "champion": version(now.champion),
        "promotion": asdict(now.event) if now.event is not None else None,
        "previous": version(now.previous),
        "lost": now.lost,
        "changes": [asdict(one) for one in changed],
        "changes_unknown": unknown,
        "waiting": version(now.candidate),
        "next": now.next_commands(),
        "folder": {"changed_stages": stages},
    }
