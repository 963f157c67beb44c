"""`carousel versions`, `promote`, `rollback` and `retire`."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from carousel.cli.output import cell, console, print_json, say, table
from carousel.errors import UserError
from carousel.params.names import check_model_name
from carousel.text.printable import one_line
from carousel.times import local_time

LISTED = 5  # tags that are no events

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from carousel.registry.promotion import Verdict
    from carousel.registry.versions import Version


def _usable(name: str | None) -> str | None:
    try:
        return name if name is None else check_model_name(name)
    except ValueError as error:
        raise UserError(f"--name: {error}") from error


NameOption = Annotated[
    str | None,
    typer.Option(
        "--name", "-n", help="The registered model; default: registry.name of params.yaml.", callback=_usable
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def versions(
    name: NameOption = None,
    history: Annotated[bool, typer.Option("--history", help="Show promotions: who, when and why.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the registered versions, newest first.

    [dim]carousel versions --history[/dim]
    """
    from carousel.registry import exports
    from carousel.registry import versions as registered
    from carousel.task import find
    from carousel.tracking.store import connect, how_to_register

    name, client = name or model_name(), connect(create=False)
    found = registered.versions(client, name)
    warn_of_trail(client, name, found)
    if history:
        _tell(client, name, as_json, found)
        return
    if as_json:
        print_json([version.to_json() for version in found], indent=2)
        return
    if not found:
        say(f"{name}: no version yet; {how_to_register(client, name)}")
        return
    metrics = find(registered.task_of(found)).metrics
    titles = [metric.title for metric in metrics]
    exported = ["exports"] * any(exports.kinds(version) for version in found)
    shown = table("version", "aliases", *titles, "baseline", "bundle", *exported, "registered", title=name)
    for version in found:
        tags = version.tags
        row = (
            str(version.number),
            "retired" if registered.RETIRED in tags else ", ".join(version.aliases),
            *(_rounded(registered.number(tags, f"{registered.TEST}{metric.name}")) for metric in metrics),
            _rounded(registered.number(tags, f"{registered.BASELINE}{metrics[0].name}")),
            tags.get(registered.FINGERPRINT, "")[:8],
            *([", ".join(exports.kinds(version))] if exported else []),
            local_time(version.created / 1000),
        )
        shown.add_row(*map(cell, row))
    console().print(shown)


def promote(
    which: Annotated[str, typer.Argument(metavar="VERSION|challenger", help="A version's number or alias.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the result of the gates without promoting.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Promote even if gates fail; requires --reason and is recorded.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason, recorded in the audit trail.")] = "",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version champion if it passes the gates in params.yaml.

    [dim]carousel promote challenger --dry-run[/dim]
    """
    from carousel.params import load
    from carousel.registry import promotion
    from carousel.registry import versions as registered
    from carousel.tracking.store import connect

    if force and not reason.strip():
        raise UserError("--force needs --reason")
    params, client = load(), connect(create=False)
    name = name or params.registry.name
    warn_of_trail(client, name, registered.versions(client, name))
    verdict = promotion.judge(client, name, which, params.promotion)
    candidate, champion = verdict.candidate, verdict.champion
    if as_json:
        print(
            json.dumps(
                {
                    "candidate": candidate.number,
                    "champion": champion.number if champion else None,
                    "passed": verdict.passed,
                    "reason": reason or verdict.reason,
                    "gates": [asdict(result) | {"state": result.state} for result in verdict.results],
                    "dry_run": dry_run,
                    "force": force,
                }
            )
        )
    else:
        _show_gates(verdict)
    if dry_run:
        if not force:
            promotion.check(verdict)
        _say(as_json, f"version {candidate.number} would be promoted: {reason or verdict.reason}")
        return
    event = promotion.promote(client, verdict, reason=reason, force=force)
    if not event.is_measured:
        _say(as_json, f"no gate was measured: without a champion only {_without_champion()} apply, and none is set")
    forced = " by force" if event.action == "force" else ""
    _say(as_json, f"{candidate.name} version {candidate.number} is champion{forced}: {event.reason}")
    _say(as_json, f"  load it anywhere: mlflow.pyfunc.load_model('models:/{candidate.name}@champion')")


def rollback(
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="A former champion; default: the previous one.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason, recorded in the audit trail.")] = "",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the previous champion, or another former one, champion again.

    [dim]carousel rollback --reason "wrong on invoices"[/dim]
    """
    from carousel.registry import promotion
    from carousel.registry import versions as registered
    from carousel.tracking.store import connect

    client, name = connect(create=False), name or model_name()
    warn_of_trail(client, name, registered.versions(client, name))
    left, again = promotion.rollback(client, name, reason, to)
    if as_json:
        print(json.dumps({"from": left.number, "to": again.number, "reason": reason}))
    _say(as_json, f"{again.name} version {again.number} is champion again, in place of version {left.number}")


def retire(
    which: Annotated[str | None, typer.Argument(metavar="VERSION", help="A version's number.")] = None,
    old: Annotated[bool, typer.Option("--old", help="List versions older than registry.keep keeps.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="With --old: delete these versions.")] = False,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason, recorded in the audit trail.")] = "",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exclude a version from promotion, or delete old versions. Versions with an alias are kept.

    [dim]carousel retire 3 --reason "trained on the wrong file"[/dim]

    [dim]carousel retire --old[/dim]
    """
    from carousel.params import load
    from carousel.registry import retirement
    from carousel.registry import versions as registered
    from carousel.tracking.store import connect

    if old == (which is not None) or (delete and not old):
        raise UserError(
            "give a version to retire, or --old (and --delete with it) for those that registry.keep lets go"
        )
    params, client = load().registry, connect(create=False)
    name = name or params.name
    warn_of_trail(client, name, registered.versions(client, name))
    if which is not None:
        version = retirement.retire(client, name, which, reason)
        if as_json:
            print(json.dumps({"retired": version.number, "reason": reason}))
        _say(as_json, f"{name} version {version.number} is retired: its files stay, and it cannot be promoted")
        return
    gone = (
        retirement.delete(client, name, params.keep, reason)
        if delete
        else retirement.old(client, name, params.keep)
    )
    numbers = [version.number for version in gone]
    if as_json:
        print(json.dumps({"deleted" if delete else "would_delete": numbers, "keep": params.keep}))
    elif not gone:
        say(f"{name}: no old versions; registry.keep is {params.keep}, beside versions with an alias")
    else:
        listed = ", ".join(map(str, numbers))
        say(f"{name}: {'deleted' if delete else 'would delete'} version{'s' if numbers[1:] else ''} {listed}")
        print("  their runs stay; `mlflow gc` frees the disk" if delete else "  --delete does it")


def _without_champion() -> str:
    from carousel.registry.gates import GATES

    return ", ".join(f"promotion.{name}" for name, gate in GATES.items() if not gate.beside_champion)


def _show_gates(verdict: "Verdict") -> None:
    candidate, champion = verdict.candidate, verdict.champion
    beside = f" compared with champion version {champion.number}" if champion else ", the first candidate"
    say(f"{candidate.name} version {candidate.number}{beside}")
    if not verdict.results:
        print("no gate is set: promotion in params.yaml")
        return
    shown = table("gate", "", "measured", "required")
    styles = {"passed": "green", "failed": "bold red", "skipped": "dim", "not measured": "yellow"}
    for result in verdict.results:
        state = cell(result.state, styles[result.state])
        shown.add_row(cell(result.gate), state, cell(result.measured), cell(result.required))
    console().print(shown)


def _tell(client: "MlflowClient", name: str, as_json: bool, known: "list[Version]") -> None:
    from carousel.registry import promotion
    from carousel.registry.live import live
    from carousel.tracking.store import how_to_register

    events = promotion.history(client, name) if known else []
    if as_json:
        print(json.dumps([asdict(event) for event in events], indent=2))
        return
    if not events:
        candidate = live(client, name).next_commands()
        how = f"`{candidate[-1]}` does" if candidate else how_to_register(client, name)
        say(f"{name}: no version was promoted yet; {how}")
        return
    shown = table("when", "who", "what", "version", "why", title=name)
    for event in events:
        step = (
            f"{event.source or 'none'} → {event.target}" if event.action in promotion.MOVES else str(event.target)
        )
        failed = [gate["gate"] for gate in event.gates if gate["state"] in ("failed", "not measured")]
        unmeasured = "no gate measured: " if event.action == "promote" and not event.is_measured else ""
        past = f"past {', '.join(failed)}: " if event.action == "force" else ""
        cut = "" if event.in_force else "was cut off, the champion stayed: "
        when = local_time(datetime.fromisoformat(event.when).timestamp())
        shown.add_row(*map(cell, (when, event.who, event.action, step, f"{cut}{unmeasured}{past}{event.reason}")))
    console().print(shown)


def model_name() -> str:
    """Return the registered model that params.yaml names."""
    from carousel.params import load

    return load().registry.name


def warn_of_trail(client: "MlflowClient", name: str, known: "list[Version]") -> None:
    """Name on standard error what is wrong with a model's trail, and goes on without it."""
    from carousel.registry import promotion

    if not known:
        return
    if tags := promotion.foreign_tags(client, name):
        listed = ", ".join(tags[:LISTED]) + (f" and {len(tags) - LISTED} more" if len(tags) > LISTED else "")
        say(f"warning: {name}: not an event of the trail, and skipped: {one_line(listed)}", to_stderr=True)
    if (lost := promotion.lost_champion(client, name)) is not None:
        say(f"warning: {name}: {lost}", to_stderr=True)


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _say(as_json: bool, line: str) -> None:
    if not as_json:
        say(line)
