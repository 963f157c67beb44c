"""`carousel versions`, `promote` and `rollback`."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carousel.errors import Refused

if TYPE_CHECKING:
    from carousel.registry.versions import Version

NameOption = Annotated[
    str | None,
    typer.Option("--name", "-n", help="The registered model; default: registry.name of params.yaml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def versions(name: NameOption = None, as_json: JsonOption = False) -> None:
    """List the registered versions, newest first, and who is champion.

    [dim]carousel versions[/dim]
    """
    from rich.console import Console
    from rich.table import Table

    from carousel.registry import versions as registered
    from carousel.tracking.store import connect

    name = name or model_name()
    found = registered.versions(connect(), name)
    if as_json:
        print(json.dumps([version.to_json() for version in found], indent=2))
        return
    if not found:
        print(f"{name}: no version yet; `dvc repro` registers one")
        return
    table = Table(title=name, title_justify="left", box=None, pad_edge=False)
    for column in (
        "version",
        "aliases",
        "accuracy",
        "macro-F1",
        "baseline",
        "bundle",
        "registered",
    ):
        table.add_column(column, no_wrap=True)
    for version in found:
        tags = version.tags
        table.add_row(
            str(version.number),
            ", ".join(version.aliases),
            *(_rounded(tags.get(key)) for key in (registered.ACCURACY, registered.MACRO_F1, registered.BASELINE)),
            tags.get(registered.FINGERPRINT, "")[:8],
            datetime.fromtimestamp(version.created / 1000).strftime("%Y-%m-%d %H:%M"),
        )
    Console().print(table)


def promote(
    which: Annotated[str, typer.Argument(metavar="VERSION|challenger", help="A version's number or alias.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version champion, unless it is worse than the champion on the same test data.

    [dim]carousel promote challenger --dry-run[/dim]
    """
    from carousel.registry import promotion
    from carousel.tracking.store import connect

    client = connect()
    verdict = promotion.judge(client, name or model_name(), which, _accuracy_here)
    if as_json:
        candidate, champion = verdict.candidate, verdict.champion
        print(
            json.dumps(
                {
                    "candidate": candidate.number,
                    "champion": champion.number if champion else None,
                    "accuracy": dict(zip(("candidate", "champion"), verdict.accuracies, strict=True)),
                    "passed": verdict.passed,
                    "reason": verdict.reason,
                    "dry_run": dry_run,
                }
            )
        )
    if dry_run:
        if not verdict.passed:
            raise Refused(f"version {verdict.candidate.number} would not be promoted: {verdict.reason}")
        _say(as_json, f"version {verdict.candidate.number} would be promoted: {verdict.reason}")
        return
    promotion.promote(client, verdict)
    _say(as_json, f"{verdict.candidate.name} version {verdict.candidate.number} is champion: {verdict.reason}")
    _say(as_json, f"  load it anywhere: mlflow.pyfunc.load_model('models:/{verdict.candidate.name}@champion')")


def rollback(
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, for the trail.")] = "",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the champion before this one.

    [dim]carousel rollback --reason "wrong on invoices"[/dim]
    """
    from carousel.registry import promotion
    from carousel.tracking.store import connect

    left, again = promotion.rollback(connect(), name or model_name(), reason)
    if as_json:
        print(json.dumps({"from": left.number, "to": again.number, "reason": reason}))
    _say(as_json, f"{again.name} version {again.number} is champion again, in place of version {left.number}")


def _accuracy_here(version: "Version", digest: str) -> float | None:
    """Measure a version on data/prepared/test.parquet, if that is the test data with this digest."""
    from carousel.corpus import document, tables
    from carousel.registry.versions import fetch

    path = Path("data/prepared/test.parquet")
    if not path.exists():
        return None
    test = tables.read(path)
    if document.digest(test) != digest:
        return None
    answers = fetch(version).predict(test["text"].to_list())
    right: int = sum(answer.label == label for answer, label in zip(answers, test["label"], strict=True))
    return right / test.height


def model_name() -> str:
    """Return the registered model that params.yaml names."""
    from carousel.params import load

    return load().registry.name


def _rounded(value: str | None) -> str:
    return f"{float(value):.4f}" if value else ""


def _say(as_json: bool, line: str) -> None:
    if not as_json:
        print(line)
