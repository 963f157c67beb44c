"""`carousel pin`."""

from typing import Annotated

import typer

from carousel import layout
from carousel.cli.output import say, say_diff
from carousel.files import write_text
from carousel.params import flatten, load, load_hparams
from carousel.params.edit import with_values


def pin(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change without writing it.")] = False,
) -> None:
    """Write the sweep's best values into params.yaml, keep its comments, and disable the search.

    [dim]carousel pin --dry-run[/dim]
    """
    params, hparams = load(), load_hparams()
    before = layout.PARAMS.read_text(encoding="utf-8")
    now = flatten(params)
    winner = {key: value for key, value in flatten(hparams).items() if now[key] != value}
    if params.sweep.trials:
        winner["sweep.trials"] = 0
    if not winner:
        say(f"nothing to pin: {layout.PARAMS} says what {layout.HPARAMS} says, and searches nothing")
        return
    after = with_values(before, winner)
    say_diff(before, after)
    if not dry_run:
        write_text(layout.PARAMS, after)
        say(f"{layout.PARAMS} updated; `dvc repro` retrains only if the best values were not trained yet")
