"""`carousel sweep worker`, `status` and `show`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carousel import layout
from carousel.cli.output import cell, console, say, table
from carousel.errors import UserError
from carousel.url import Url

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from carousel.search.outcome import Outcome

app = typer.Typer(help="Inspect sweeps, and join one from another machine.", no_args_is_help=True)

StudyOption = Annotated[
    str | None, typer.Option("--study", "-s", help="Name of the study; default: the most recent one.")
]
StorageOption = Annotated[
    Url | None,
    typer.Option(
        "--storage",
        parser=Url,
        metavar="URL",
        help="A database's URL; default: CAROUSEL_SWEEP_STORAGE, or sweep.storage of params.yaml.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.command()
def worker(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of the study, see `carousel sweep status`.")],
    storage: StorageOption = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Number of processes; they share the cores.")
    ] = 1,
) -> None:
    """Run trials of a sweep that another machine started, until it ends.

    [dim]carousel sweep worker --study sweep-1f0a2b3c4d5e --storage postgresql://carousel@db/sweeps[/dim]
    """
    from carousel.params import load
    from carousel.search.messages import Data
    from carousel.search.progress import display
    from carousel.search.sweep import join

    place = _place(storage)
    if isinstance(place, Path):
        raise UserError("a journal file serves one machine only; give a database's URL with --storage")
    if not layout.PARTS.exists():
        raise UserError(f"{layout.PARTS}: no such folder; `dvc repro encode` makes it and the data to train with")
    data = Data(load().task, layout.ENCODED, layout.PARTS, layout.VECTORS)
    watcher = display()
    try:
        join(study, place, data, workers, watcher)
    finally:
        watcher.finish()
    say(f"{study}: no trial is left to train")


@app.command()
def status(study: StudyOption = None, storage: StorageOption = None, as_json: JsonOption = False) -> None:
    """Show a sweep's best, running and most recent trials.

    [dim]carousel sweep status[/dim]
    """
    from carousel.search import progress
    from carousel.search.outcome import state

    outcome = _outcome(study, storage)
    if as_json:
        counted = [state(trial) for trial in [*outcome.trials, *outcome.study.running]]
        best = [{"trial": trial.number, "values": trial.values, "params": trial.params} for trial in outcome.front]
        found = {"study": outcome.study.name, "trials": outcome.study.sweep.trials}
        print(
            json.dumps(
                {**found, "states": {word: counted.count(word) for word in sorted(set(counted))}, "best": best}
            )
        )
        return
    console().print(progress.table(outcome))


@app.command()
def show(
    trial: Annotated[int, typer.Argument(metavar="TRIAL", help="Number of the trial.")],
    study: StudyOption = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one trial: values, learning curve, state and reason.

    [dim]carousel sweep show 7[/dim]
    """
    outcome = _outcome(study, storage)
    found = next((one for one in outcome.study.trials if one.number == trial), None)
    if found is None:
        last = len(outcome.study.trials) - 1
        raise UserError(f"{outcome.study.name}: has no trial {trial}; its trials: 0 to {last}")
    if as_json:
        print(json.dumps(_as_json(outcome, found)))
        return
    console().print(_shown(outcome, found))


def _place(storage: Url | None) -> Path | Url:
    from carousel.params import Sweep, load
    from carousel.search.storage import JOURNAL, check, place
    from carousel.tracking.store import main_checkout

    if storage is not None:
        return check(storage, "--storage")
    sweep = load().sweep if layout.PARAMS.exists() else Sweep()
    return place(sweep, main_checkout() / layout.STATE / JOURNAL)


def _outcome(study: str | None, storage: Url | None) -> "Outcome":
    from carousel.search.outcome import Outcome
    from carousel.search.storage import open_storage
    from carousel.search.study import find
    from carousel.search.sweep import told

    place = _place(storage)
    if isinstance(place, Path) and not place.exists():
        raise UserError(f"{place}: no such file; no sweep has run here: `dvc exp run -S sweep.trials=30` runs one")
    with told(place):
        return Outcome(find(open_storage(place), study))


def _as_json(outcome: "Outcome", trial: "FrozenTrial") -> dict[str, object]:
    from carousel.search.outcome import state
    from carousel.search.study import CURVE, REASON, SECONDS, SEED_OF

    kept = {key: trial.user_attrs[key] for key in (SECONDS, REASON, SEED_OF, CURVE) if key in trial.user_attrs}
    values = dict(zip(outcome.study.sweep.objectives, trial.values or [], strict=False))
    return {"trial": trial.number, "state": state(trial), "values": values, "params": trial.params, **kept}


def _shown(outcome: "Outcome", trial: "FrozenTrial") -> object:
    from rich.console import Group
    from rich.text import Text

    from carousel.search.outcome import state
    from carousel.search.progress import number
    from carousel.search.study import CURVE, REASON, SECONDS, SEED_OF

    rows = [("study", outcome.study.name), ("state", state(trial))]
    for place, name in enumerate(outcome.study.sweep.objectives):
        rows.append((name, number(outcome.value(trial, place))))
    for word, key in (("seconds", SECONDS), ("reason", REASON), ("from", SEED_OF)):
        if key in trial.user_attrs:
            rows.append((word, number(trial.user_attrs[key])))
    rows += [(key, number(value)) for key, value in trial.params.items()]
    facts = table("", "")
    facts.show_header = False
    for row in rows:
        facts.add_row(*map(cell, row))
    curve = trial.user_attrs.get(CURVE)
    if not curve:
        return facts
    epochs = table(*curve[0])
    for column in epochs.columns:
        column.justify = "right"
    for row in curve:
        epochs.add_row(*map(number, row.values()))
    return Group(Text(f"trial {trial.number}", style="bold"), facts, Text(), epochs)
