"""`carousel pin`."""

import difflib
import io
from typing import Annotated

import typer

from carousel import layout
from carousel.cli.output import say
from carousel.files import write_text
from carousel.params import flatten, load, load_hparams


def pin(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change without writing it.")] = False,
) -> None:
    """Write the sweep's best values into params.yaml, keep its comments, and disable the search.

    [dim]carousel pin --dry-run[/dim]
    """
    from ruamel.yaml import YAML

    params, hparams = load(), load_hparams()
    before = layout.PARAMS.read_text(encoding="utf-8")
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1000  # never fold a line that its author did not
    content = yaml.load(before)
    now = flatten(params)
    winner = {key: value for key, value in flatten(hparams).items() if now[key] != value}
    if params.sweep.trials:
        winner["sweep.trials"] = 0
    for key, value in winner.items():
        section, name = key.split(".")
        content.setdefault(section, {})[name] = value
    written = io.StringIO()
    yaml.dump(content, written)
    if not winner:
        print(f"nothing to pin: {layout.PARAMS} says what {layout.HPARAMS} says, and searches nothing")
        return
    old, new = (content.removesuffix("\n").split("\n") for content in (before, written.getvalue()))
    say("\n".join(list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]))
    if not dry_run:
        write_text(layout.PARAMS, written.getvalue())
        print(f"{layout.PARAMS} updated; `dvc repro` retrains only if the best values were not trained yet")
