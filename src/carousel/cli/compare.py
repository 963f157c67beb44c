"""`carousel compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carousel.cli.output import cell, console, print_json, say, table
from carousel.cli.project import user_model, user_path
from carousel.cli.registry import JsonOption, NameOption
from carousel.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from carousel.comparison.model_comparison import ModelComparison
    from carousel.comparison.paired import Slice


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A version's number or alias, a run's id, or a folder.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other; differences are B - A.")],
    reevaluate: Annotated[
        bool,
        typer.Option("--reevaluate", help="Evaluate both again, on the test split in data/prepared."),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", parser=user_path, metavar="FILE", help="Also write a standalone HTML report."),
    ] = None,
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two models on the same test set, with confidence intervals, by label and by length.

    A and B are versions (3, champion, models:/NAME@champion), runs, or bundles' folders.

    [dim]carousel compare champion challenger --html comparison.html[/dim]
    """
    from carousel.params import load
    from carousel.registry.model_comparison import compare_models
    from carousel.registry.model_ref import find

    if html is not None and html.suffix not in (".html", ".htm"):
        raise UserError(f"--html {html}: should end in .html")
    if html is not None and html.is_dir():
        raise UserError(f"--html {html}: is a folder; name a file in it")
    model = name or load().registry.name
    compared = compare_models(find(user_model(a), model), find(user_model(b), model), reevaluate=reevaluate)
    if html is not None:
        _write(html, compared)
    if as_json:
        print_json(compared.to_json(), indent=2)
    else:
        _show(compared)
        if html is not None:
            say(f"\n{html} opens in any browser")


def _write(html: Path, compared: "ModelComparison") -> None:
    from carousel.comparison.page import render
    from carousel.files import write_text

    a, b = compared.models
    page = render(
        (a.title, b.title), compared.about(), compared.comparison, compared.disagreements, f"{compared.data}."
    )
    write_text(html, page)


def _show(compared: "ModelComparison") -> None:
    from carousel.comparison.page import score_title
    from carousel.comparison.paired import p_value, points

    screen = console()
    found, (a, b) = compared.comparison, compared.models

    def numbers(*columns: str) -> "Table":
        made = table(*columns)
        for column in made.columns[1:]:
            column.justify = "right"
        return made

    screen.print(cell(f"A  {a.title}"))
    screen.print(cell(f"B  {b.title}"))
    screen.print(f"on {compared.data}\n")
    screen.print(cell(found.verdict, "bold"))

    metrics = numbers("metric", "A", "B", "points", f"{100 * found.level:g} %", "B better")
    for declared in found.declared:
        metrics.add_row(declared.title, *found.metrics[declared.name].shown())
    screen.print()
    screen.print(metrics)
    screen.print(
        f"correct in A alone {found.only_a}, in B alone {found.only_b}; McNemar p {p_value(found.p)}; the same "
        f"prediction {100 * found.agreement:.1f} %"
    )

    models = table("", "A", "B")
    for row in compared.about():
        models.add_row(*(cell(part[:16] if len(part) in (32, 64) else part) for part in row))
    screen.print()
    screen.print(models)

    def slices(first: str, parts: "tuple[Slice, ...]") -> None:
        paired = bool(parts) and parts[0].only_a is not None
        made = numbers(first, "n", "A", "B", "points", *(("A alone", "B alone", "p") if paired else ()))
        for part in parts:
            tested = part.p is not None
            made.add_row(
                cell(part.name),
                str(part.examples),
                f"{part.a:.3f}",
                f"{part.b:.3f}",
                points(part.difference),
                *((str(part.only_a), str(part.only_b)) if paired else ()),
                *((p_value(part.p).removeprefix("= "),) if part.p is not None else ()),
                style="bold" if tested and (part.p or 0) < 1 - found.level else None,
            )
        screen.print()
        screen.print(made)

    for kind, parts in found.slices.items():
        slices(f"{score_title(found, parts)} by {'tokens' if kind == 'length' else kind}", parts)
    screen.print("p: McNemar's, adjusted by Holm for the rows of its table; other differences may be chance")
    if compared.disagreements.height:
        apart = table("disagree most on", "actual", "A", "B")
        for one in compared.disagreements.iter_rows(named=True):
            text = " ".join(one["text"].split())[:80] if "text" in one else one["id"]
            said = (f"{one[side]} {one[f'p_{side}']:.2f}" for side in "ab")
            apart.add_row(*map(cell, (text, one["actual"], *said)))
        screen.print()
        screen.print(apart)
