"""`carousel lineage` and `reproduce`."""

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from carousel.cli.output import cell, console, say
from carousel.cli.registry import JsonOption, NameOption, model_name
from carousel.errors import UserError

if TYPE_CHECKING:
    from carousel.lineage.audit import Audit

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION|champion", help="A version's number or alias.")]
_STYLES = {"ok": "green", "differs": "bold red", "unknown": "yellow", "recorded": "dim"}


def lineage(which: VersionArgument, name: NameOption = None, as_json: JsonOption = False) -> None:
    """Show and verify a version's code, data, parameters and environment. Exit code 1: a difference.

    [dim]carousel lineage champion[/dim]
    """
    from carousel.lineage.audit import audit
    from carousel.registry.versions import get
    from carousel.tracking.store import connect, main_checkout

    client = connect(create=False)
    found = audit(client, get(client, name or model_name(), which), main_checkout())
    if as_json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        _show(found)
    if found.differing:
        raise typer.Exit(1)


def reproduce(
    which: VersionArgument,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary checkout.")] = False,
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reproduce a version from a clean checkout of its commit. Exit code 1: another model.

    Your own checkout, its dvc.lock and the MLflow store stay as they are.

    [dim]carousel reproduce champion[/dim]
    """
    from carousel.lineage import reproduction
    from carousel.registry.versions import get
    from carousel.tracking.store import connect, main_checkout

    client = connect(create=False)
    version = get(client, name or model_name(), which)
    note = partial(say, to_stderr=as_json)
    try:
        made = reproduction.reproduce(client, version, main_checkout(), note, keep=keep)
    except KeyboardInterrupt:
        raise UserError("interrupted; nothing was changed") from None
    if as_json:
        print(json.dumps(made.to_json(), indent=2))
    note("")
    for part in made.parts:
        found = "" if part.same else f"  now {part.found[:12]}"
        note(f"{part.name:<17} {part.recorded[:12]:<12}  {'the same' if part.same else 'differs'}{found}")
    if keep:
        note(f"the checkout is in {made.folder}")
    if made.same:
        note(f"{version.name} version {version.number} is reproduced: the same fingerprint")
        return
    first = next(part.name for part in made.parts if not part.same)
    note(f"{version.name} version {version.number} is not reproduced: its {first} differs")
    raise typer.Exit(1)


def _show(found: "Audit") -> None:
    from rich.table import Table
    from rich.tree import Tree

    version = found.version
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    tree = Tree(cell(f"{version.name} version {version.number}{aliases}"), guide_style="dim")
    width = max(len(fact.name) for fact in found.facts)
    for group in dict.fromkeys(fact.group for fact in found.facts):
        branch = tree.add(cell(group, "bold"))
        for fact in found.facts:
            if fact.group == group:
                line = Table.grid(padding=(0, 2))
                line.add_column(width=8)
                line.add_column(width=width)
                line.add_column()
                value = cell(_short(fact.value))
                if fact.note:
                    value.append_text(cell(f"  {_short(fact.note)}", "dim"))
                line.add_row(cell(fact.state, _STYLES[fact.state]), cell(fact.name), value)
                branch.add(line)
    console().print(tree)
    differing = found.differing
    if differing:
        names = ", ".join(fact.name for fact in differing)
        say(f"{len(differing)} of {len(found.facts)} differ: {names}")
        return
    unknown = sum(fact.state == "unknown" for fact in found.facts)
    print("nothing differs" + (f"; {unknown} could not be checked here" if unknown else ""))


def _short(text: str) -> str:
    """Cut digests to what people compare; `--json` has them whole."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}(\.dir)?\b", r"\1", text)
