"""`carousel verify`."""

from dataclasses import asdict
from typing import Annotated

import typer

from carousel.cli.output import print_json, say
from carousel.cli.registry import JsonOption, NameOption, model_name
from carousel.errors import UserError
from carousel.text.printable import one_line


def verify(
    which: Annotated[
        str | None, typer.Argument(metavar="VERSION|champion", help="A version's number or alias.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every version of the model.")] = False,
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the files of a version, or of every version, against its tags. Exit code 1: a difference.

    [dim]carousel verify --all[/dim]
    """
    from carousel.registry.verification import verify as checked
    from carousel.registry.versions import get, versions
    from carousel.tracking.store import connect, how_to_register

    if every == (which is not None):
        raise UserError("give a version to verify, or --all")
    client, name = connect(create=False), name or model_name()
    known = versions(client, name) if which is None else [get(client, name, which)]
    if not known:
        raise UserError(f"{name}: has no registered version yet; {how_to_register(client, name)}")
    found = []
    for version in known:
        found.append(one := checked(version))
        if not as_json:
            state = f"ok {one.fingerprint[:12]}" if one.ok else f"differs: {one.reason}"
            say(one_line(f"{name} version {one.version}: {state}"))
    if as_json:
        print_json([asdict(one) for one in found], indent=2)
    if not all(one.ok for one in found):
        raise typer.Exit(1)
