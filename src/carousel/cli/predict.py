"""`carousel predict`."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carousel.cli.batch import score_file
from carousel.cli.model import BundleOption, ModelOption, load
from carousel.cli.output import cell, console, print_json, say, table
from carousel.cli.project import user_path
from carousel.errors import UserError
from carousel.text import lines
from carousel.text.printable import one_line

if TYPE_CHECKING:
    from carousel.predictor import Prediction, Predictor

LISTED = 10  # texts without a known word


def predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to predict for.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            parser=user_path,
            metavar="FILE",
            help="File with one text per line; - is standard input. With --out, also a table.",
        ),
    ] = None,
    model: ModelOption = None,
    bundle: BundleOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per text, with all probabilities.")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Mark the most important words.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            parser=user_path,
            metavar="FILE",
            help="Write the rows of --file (Parquet, CSV, TSV, JSONL or a text a line), of any number, with their "
            "predictions: .parquet, .csv or .jsonl.",
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option("--column", help="With --out: the column of texts; default: text, or the only one."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --out: replace a file that exists.")] = False,
) -> None:
    """Predict for texts with the champion (or, before there is one, the challenger).

    Texts that begin with a dash go after --. With --out, an interrupted command goes on where it was.

    [dim]carousel predict "Return a new event loop for the current thread"[/dim]
    [dim]carousel predict --file texts.parquet --out scored.parquet[/dim]
    """
    if out is not None:
        if file is None or str(file) == "-" or texts:
            raise UserError("--out: needs the texts in a file: give --file FILE, and no other texts")
        if as_json or explain:
            raise UserError("--out: writes all that is predicted into the file: leave --json and --explain out")
        score_file(file, out, column, model, bundle, force=force)
        return
    if column is not None or force:
        raise UserError("--column and --force: are for --out; name the file to write")
    if model and bundle:
        raise UserError("--model and --bundle both name a model: give one")
    wanted = _texts(texts or [], file)
    chosen = load(model, bundle)
    loaded, source = chosen.predictor, chosen.source
    if explain and not hasattr(loaded, "explain"):
        raise UserError(f"--explain: a {type(loaded).__name__.lower()} explains nothing: leave it out")
    predictions: list[Any] = list(loaded.predict(wanted))
    known = [loaded.has_known_word(text) for text in wanted]
    if as_json:
        for text, prediction, is_known in zip(wanted, predictions, known, strict=True):
            explanation = {"explanation": asdict(_explain(loaded, text))} if explain else {}
            print_json({"text": text, **asdict(prediction), "has_known_word": is_known, **explanation})
    elif explain:
        _show_explained(loaded, wanted, predictions, source)
    else:
        _show(loaded, wanted, predictions, source)
    _warn([number for number, is_known in enumerate(known, 1) if not is_known], len(wanted))


def _warn(unknown: list[int], texts: int) -> None:
    """Name the texts without a known word on standard error, so that the predictions stay as they are."""
    if not unknown:
        return
    if texts == 1:
        which = "the text has"
    elif len(unknown) == 1:
        which = f"text {unknown[0]} has"
    else:
        more = f" and {len(unknown) - LISTED} more" if len(unknown) > LISTED else ""
        which = f"texts {', '.join(map(str, unknown[:LISTED]))}{more} have"
    say(f"warning: {which} no word that the model knows: a guess", to_stderr=True)


def _texts(texts: list[str], file: Path | None) -> list[str]:
    found = [lines.argument(text, number) for number, text in enumerate(texts, 1)]
    if file is not None:
        read = _standard_input() if str(file) == "-" else lines.read(file)
        if not read and not found:
            raise UserError(f"{'standard input' if str(file) == '-' else file}: is empty: nothing to predict")
        found += read
    if not found:
        raise UserError("nothing to predict: give texts, or a file of them with --file")
    return found


def _standard_input() -> list[str]:
    if sys.stdin is None:
        raise UserError("standard input: is closed; give texts, or the name of a file with --file")
    if sys.stdin.isatty():
        say("texts, one a line; Ctrl-D on an empty line ends them", to_stderr=True)
    try:
        content = sys.stdin.buffer.read()  # sys.stdin itself would read the locale's encoding, and change line ends
    except OSError as error:
        raise UserError(f"standard input: cannot be read: {error.strerror}") from error
    return lines.split(content, "standard input")


def _explain(predictor: Any, text: str) -> Any:
    return predictor.explain(text)


def _show_explained(
    predictor: "Predictor", texts: list[str], predictions: Sequence["Prediction"], source: str
) -> None:
    from carousel.cli import marked_words

    screen = console()
    for text, prediction in zip(texts, predictions, strict=True):
        screen.print(cell(" ".join(prediction.cells()[:2]), "bold"), soft_wrap=True)
        marked_words.show(screen, _explain(predictor, text))
        screen.print()
    screen.print(cell(f"by {source}", "dim"), soft_wrap=True)


def _show(predictor: "Predictor", texts: list[str], predictions: Sequence["Prediction"], source: str) -> None:
    titles = (*predictor.columns, "text")
    rows = [(*prediction.cells(), text) for text, prediction in zip(texts, predictions, strict=True)]
    screen = console()
    if screen.is_terminal:
        shown = table(*titles)
        for row in rows:
            shown.add_row(cell(row[0], "bold"), *map(cell, row[1:]))
        screen.print(shown)
    else:
        _print_columns([titles, *rows])  # a line a text, however long it is
    screen.print(cell(f"by {source}", "dim italic"), soft_wrap=True)


def _print_columns(rows: list[tuple[str, ...]]) -> None:
    from rich.cells import cell_len

    shown = [[one_line(part) for part in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)][:-1]
    for *parts, text in shown:
        padded = [part + " " * (width - cell_len(part)) for part, width in zip(parts, widths, strict=True)]
        print("  ".join([*padded, text]))
