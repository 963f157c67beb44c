"""`carousel predict`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carousel.errors import UserError

if TYPE_CHECKING:
    from carousel.bundle.bundle import Bundle, Prediction
    from carousel.bundle.explanation import Explanation


def predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to classify.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A file of texts, one a line; - is standard input.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A registered version: models:/NAME@ALIAS, models:/NAME/NUMBER, or a number or alias alone.",
        ),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", "-b", help="A bundle's folder, without any registry.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a text, with all probabilities.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Mark the words that each answer goes back to.")
    ] = False,
) -> None:
    """Classify texts with the champion (or, before there is one, the challenger).

    [dim]carousel predict "Return a new event loop for the current thread"[/dim]
    """
    if model and bundle:
        raise UserError("--model and --bundle both name a model: give one")
    wanted = _texts(texts or [], file)
    loaded, source = _load(model, bundle)
    answers = loaded.predict(wanted)
    if as_json:
        for text, answer in zip(wanted, answers, strict=True):
            explanation = {"explanation": asdict(_explain(loaded, text))} if explain else {}
            print(json.dumps({"text": text, **asdict(answer), **explanation}, ensure_ascii=False))
    elif explain:
        _show_explained(loaded, wanted, answers, source)
    else:
        _show(wanted, answers, source)


def _texts(texts: list[str], file: Path | None) -> list[str]:
    if file is not None:
        try:
            content = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except OSError as error:
            raise UserError(f"{file}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UserError(f"{file}: not UTF-8 (byte {error.start}); convert it first") from error
        texts = texts + [line for line in content.split("\n") if line.strip()]
    if not texts:
        raise UserError("nothing to classify: give texts, or a file of them with --file")
    return texts


def _load(model: str | None, folder: Path | None) -> tuple["Bundle", str]:
    from carousel.bundle.bundle import Bundle

    if folder is not None:
        return Bundle.load(folder), str(folder)
    from carousel.registry.versions import CHALLENGER, CHAMPION, fetch, get, versions
    from carousel.tracking.store import connect

    name, which = _parse(model)
    client = connect()
    if which is None:
        aliases = {alias for version in versions(client, name) for alias in version.aliases}
        which = CHALLENGER if CHALLENGER in aliases and CHAMPION not in aliases else CHAMPION
    version = get(client, name, which)
    return fetch(version), f"{version.name} version {version.number} ({', '.join(version.aliases) or 'no alias'})"


def _parse(model: str | None) -> tuple[str, str | None]:
    """Return the registered model's name and the version's number or alias."""
    if model is not None and "/" in model:
        from carousel.registry.contender import parse

        return parse(model)
    from carousel.params import load

    return load().registry.name, model


def _explain(bundle: "Bundle", text: str) -> "Explanation":
    from carousel.bundle.explanation import explain

    return explain(bundle, text)


def _show_explained(bundle: "Bundle", texts: list[str], answers: list["Prediction"], source: str) -> None:
    from rich.console import Console

    from carousel.cli import marked_words

    console = Console()
    for text, answer in zip(texts, answers, strict=True):
        console.print(f"{answer.label} {answer.probability:.3f}", style="bold", markup=False, highlight=False)
        marked_words.show(console, _explain(bundle, text))
        console.print()
    console.print(f"by {source}", style="dim", markup=False, highlight=False)


def _show(texts: list[str], answers: list["Prediction"], source: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(caption=f"by {source}", caption_justify="left", box=None, pad_edge=False)
    table.add_column("label", style="bold", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("then", no_wrap=True)
    table.add_column("text")
    for text, answer in zip(texts, answers, strict=True):
        ranked = sorted(answer.probabilities.items(), key=lambda pair: -pair[1])
        others = ", ".join(f"{label} {probability:.3f}" for label, probability in ranked[1:3])
        table.add_row(answer.label, f"{answer.probability:.3f}", others, text)
    Console().print(table)
