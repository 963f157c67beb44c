"""`carousel drift`."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carousel.cli.model import ModelOption, find, load_version, title
from carousel.cli.output import cell, console, print_json, say, table
from carousel.cli.project import user_path
from carousel.cli.registry import JsonOption
from carousel.errors import UserError

if TYPE_CHECKING:
    from carousel.drift.comparison import Drift
    from carousel.drift.profile import Profile
    from carousel.registry.versions import Version

DAYS = 7
LIMIT = 0.2  # `drift.comparison.LIMIT`, whose import takes a while


def drift(
    state: Annotated[
        Path | None,
        typer.Option("--state", parser=user_path, metavar="FOLDER", help="State folder of a running service."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            parser=user_path,
            metavar="FILE",
            help="Or a file of texts to predict for: Parquet, CSV, TSV, JSONL or a text a line.",
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option("--column", help="With --file: the column of texts; default: text, or the only one."),
    ] = None,
    model: ModelOption = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, help=f"With --state: the last N days, today included; {DAYS}.")
    ] = None,
    limit: Annotated[
        float, typer.Option("--limit", help="Of the population stability index, above which it is a drift.")
    ] = LIMIT,
    page: Annotated[
        Path | None,
        typer.Option("--page", parser=user_path, metavar="FILE", help="Also write a standalone HTML page."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare what a model is asked and predicts now with what it was evaluated on. Exit code 1: drifted.

    The out-of-vocabulary rate and the distributions of length, predicted classes and confidence are compared.

    [dim]carousel drift --state .carousel/serve --page drift.html[/dim]
    """
    from carousel.drift.comparison import compare
    from carousel.registry.profiles import fetch

    if (state is None) == (file is None):
        raise UserError("give --state FOLDER, of a running service, or --file FILE, with texts: one of them")
    if limit <= 0:
        raise UserError(f"--limit {limit:g}: should be above 0; 0.2 is usual")
    if page is not None and (page.suffix not in (".html", ".htm") or page.is_dir()):
        raise UserError(f"--page {page}: should name a file that ends in .html")
    client, version = find(model)
    reference = fetch(client, version)
    by_day: dict[date, Profile] = {}
    if file is not None:
        if days is not None:
            raise UserError("--days: is for --state; a file of texts has no days")
        source, current = str(file), _profile_of(file, column, version)
    else:
        assert state is not None
        if column is not None:
            raise UserError("--column: is for --file")
        source, by_day, current = _counted(state, version, days or DAYS)
    found = compare(reference, current, limit)
    if as_json:
        print_json(_json(version, source, found, by_day), indent=2)
    else:
        _show(title(version), source, found)
    if page is not None:
        _write(page, version, source, found, by_day)
    if found.verdict == "drifted":
        raise typer.Exit(1)


def _counted(state: Path, version: "Version", days: int) -> "tuple[str, dict[date, Profile], Profile]":
    """Return what a service has counted in the last days: in words, by day, and in total."""
    from carousel.drift.profile import Profile
    from carousel.drift.store import ProfileStore

    store, today = ProfileStore(state), datetime.now(UTC).date()
    key = f"{version.name}/{version.number}"
    every = store.days(key)
    first = today - timedelta(days=days - 1)
    found = {day: profile for day, profile in every.items() if day >= first}
    if not found:
        last = f"; its last day is {max(every)}, which --days can include" if every else ""
        others = [one for one in store.versions() if one != key]
        known = f"; it has counts of {', '.join(others)}" if others and not every else ""
        raise UserError(f"{store.path}: has no predictions of {key} since {first}{last}{known}")
    return f"{state}, {min(found)} to {max(found)}", found, sum(found.values(), Profile())


def _profile_of(file: Path, column: str | None, version: "Version") -> "Profile":
    """Return the profile of a version's predictions for a file of texts."""
    from carousel.batch.chunks import chunks
    from carousel.batch.files import open_inputs
    from carousel.drift.counting import profile_of
    from carousel.drift.profile import Profile

    inputs = open_inputs(file, column)
    predictor = load_version(version, exported=True).predictor
    profile, failed = Profile(), 0
    for chunk in chunks(inputs.rows()):
        chunk.check(predictor.check)
        profile += profile_of(predictor, [chunk.inputs[i] for i in chunk.predictable])
        failed += len(chunk) - len(chunk.predictable)
    if failed:
        rows = "1 row has" if failed == 1 else f"{failed} rows have"
        say(f"warning: {file}: {rows} no text to predict for", to_stderr=True)
    return profile


def _show(model: str, source: str, found: "Drift") -> None:
    from carousel.comparison.paired import p_value

    screen = console()
    screen.print(cell(found.sentence, "bold"), soft_wrap=True)
    screen.print(cell(f"{model}: {found.current.examples} predictions from {source}"), soft_wrap=True)
    screen.print(f"compared with the {found.reference.examples} examples of its test split\n")
    made = table("", "test split → now", "index", "by chance", "p", "")
    for column in made.columns[2:5]:
        column.justify = "right"
    for shift in found.shifts:
        made.add_row(
            *map(cell, (shift.title, shift.words, f"{shift.psi:.3f}", f"{shift.psi_by_chance:.3f}")),
            p_value(shift.p).removeprefix("= "),
            cell(shift.verdict, "bold" if shift.verdict == "drifted" else ""),
        )
    screen.print(made)
    screen.print(f"index: population stability index, limit {found.limit:g}", style="dim")


def _json(version: "Version", source: str, found: "Drift", by_day: "dict[date, Profile]") -> dict[str, object]:
    return {
        "version": version.uri,
        "source": source,
        "predictions": found.current.examples,
        "limit": found.limit,
        "verdict": found.verdict,
        "shifts": [asdict(shift) for shift in found.shifts],
        "days": {day.isoformat(): profile.examples for day, profile in by_day.items()},
    }


def _write(page: Path, version: "Version", source: str, found: "Drift", by_day: "dict[date, Profile]") -> None:
    from carousel.drift.page import render
    from carousel.files import write_text

    words = f"{found.current.examples} predictions from {source}."
    write_text(page, render(title(version), words, found, by_day))
    say(f"\n{page} opens in any browser", to_stderr=True)
