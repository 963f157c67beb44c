"""`carousel compare`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carousel.cli.registry import JsonOption, NameOption
from carousel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from carousel.evaluation.answers import Answers
    from carousel.evaluation.comparison import Comparison, Slice
    from carousel.registry.contender import Contender, Portrait

TEST = Path("data/prepared/test.parquet")


@dataclass(frozen=True)
class Outcome:
    """All that there is to say of the two.

    Attributes:
        portraits: of A and B.
        milliseconds: a document, of A and B; empty where there are no texts to time.
        comparison: of their answers.
        disagreements: the documents where they are widest apart, with `text` where it is at hand.
        digest: of the test data.
    """

    portraits: tuple["Portrait", "Portrait"]
    milliseconds: tuple[float, ...]
    comparison: "Comparison"
    disagreements: "pl.DataFrame"
    digest: str

    @property
    def data(self) -> str:
        """Which test data, in a sentence."""
        return f"{self.comparison.documents} test documents, digest {self.digest[:16]}"

    def about(self) -> list[tuple[str, str, str]]:
        """Return the rows that describe the models side by side."""
        a, b = self.portraits
        rows = [
            ("cell", a.cell, b.cell),
            ("hidden size x layers", a.size, b.size),
            ("parameters", f"{a.parameters:,}", f"{b.parameters:,}"),
            ("bundle", _size(a.bytes), _size(b.bytes)),
            *([("ms a document", *(f"{taken:.2f}" for taken in self.milliseconds))] if self.milliseconds else []),
            ("trained", a.trained, b.trained),
            ("run", a.run_id or "unknown", b.run_id or "unknown"),
            ("fingerprint", a.fingerprint, b.fingerprint),
            ("vocabulary", *_same(a.vocabulary, b.vocabulary)),
            ("tokenizer", *_same(a.tokenizer, b.tokenizer)),
        ]
        return [(what, of_a, of_b) for what, of_a, of_b in rows]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        timed = self.milliseconds or (None, None)
        return {
            **{
                side: {**portrait.to_json(), "milliseconds": taken}
                for side, portrait, taken in zip("ab", self.portraits, timed, strict=True)
            },
            "test_digest": self.digest,
            **self.comparison.to_json(),
            "disagreements": self.disagreements.drop("row").to_dicts(),
        }


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A version's number or alias, a run's id, or a folder.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other; differences are B - A.")],
    reevaluate: Annotated[
        bool, typer.Option("--reevaluate", help=f"Test both now, on {TEST} here, whatever they were tested on.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page, too; it opens without a server.")
    ] = None,
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two models on one test set: is B better than A, how sure is that, and where?

    A and B are versions (3, champion, models:/NAME@champion), runs, or bundles' folders.

    [dim]carousel compare champion challenger --html comparison.html[/dim]
    """
    from carousel.params import load
    from carousel.registry.contender import find

    if html is not None and html.suffix not in (".html", ".htm"):
        raise UserError(f"--html {html}: should end in .html")
    if html is not None and html.is_dir():
        raise UserError(f"--html {html}: is a folder; name a file in it")
    model = name or load().registry.name
    outcome = _meet(find(a, model), find(b, model), reevaluate)
    if html is not None:
        _write(html, outcome)
    if as_json:
        print(json.dumps(outcome.to_json(), indent=2, ensure_ascii=False))
    else:
        _show(outcome)
        if html is not None:
            print(f"\n{html} opens in any browser")


def _meet(a: "Contender", b: "Contender", reevaluate: bool) -> Outcome:
    from carousel.evaluation import answers, speed
    from carousel.registry.contender import portray

    (portrait_a, bundle_a), (portrait_b, bundle_b) = portray(a), portray(b)
    of_a, of_b = _answers((a, b), (bundle_a, bundle_b), reevaluate)
    disagreements = answers.disagreements(of_a, of_b)
    texts = _texts(of_a.digest)
    if texts is not None:
        disagreements = disagreements.with_columns(text=texts[disagreements["row"]])
    return Outcome(
        portraits=(portrait_a, portrait_b),
        milliseconds=() if texts is None else tuple(speed.milliseconds([bundle_a, bundle_b], texts.to_list())),
        comparison=answers.compare(of_a, of_b),
        disagreements=disagreements,
        digest=of_a.digest,
    )


def _answers(contenders: tuple["Contender", ...], bundles: tuple[Any, ...], reevaluate: bool) -> list["Answers"]:
    """Return both models' answers to one test set: those that their runs kept, or new ones on the data here.

    Raises:
        UserError: when they were tested on different data, or there is nothing to test them on.
    """
    from carousel.corpus import document, tables
    from carousel.evaluation.answers import answer
    from carousel.tracking.store import connect

    if reevaluate:
        test = tables.read(TEST)
        return [answer(bundle, test) for bundle in bundles]
    kept = [None if one.folder else one.answers(connect()) for one in contenders]
    if None in kept:
        if not TEST.exists():
            which = contenders[kept.index(None)].title
            raise UserError(f"{which}: has no answers with its run, and {TEST} is not here; `dvc repro` makes it")
        test = tables.read(TEST)
        here = document.digest(test)
        for contender in contenders:
            tested = contender.tested_on() or here
            if tested != here:
                raise UserError(
                    f"{contender.title} was tested on other data ({tested[:16]}) than {TEST} holds ({here[:16]}); "
                    "--reevaluate tests both on that"
                )
    found = [old or answer(bundle, test) for old, bundle in zip(kept, bundles, strict=True)]
    if found[0].digest != found[1].digest:
        one, other = (f"{of.title} on {its.digest[:16]}" for of, its in zip(contenders, found, strict=True))
        raise UserError(f"tested on different data: {one}, {other}; --reevaluate tests both on {TEST} here")
    return found


def _texts(digest: str) -> "pl.Series | None":
    """Return the test documents' texts, if they are the data with this digest."""
    from carousel.corpus import document, tables

    if not TEST.exists():
        return None
    test = tables.read(TEST)
    return test["text"] if document.digest(test) == digest else None


def _write(html: Path, outcome: Outcome) -> None:
    from carousel.evaluation.page import render
    from carousel.files import write_text

    a, b = outcome.portraits
    page = render(
        (a.title, b.title), outcome.about(), outcome.comparison, outcome.disagreements, f"{outcome.data}."
    )
    write_text(html, page)


def _show(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table

    from carousel.evaluation.comparison import p_value, points

    console = Console(highlight=False)
    found, (a, b) = outcome.comparison, outcome.portraits

    def table(first: str, *columns: str) -> Table:
        made = Table(box=None, pad_edge=False)
        made.add_column(first, overflow="fold")
        for column in columns:
            made.add_column(column, justify="right", overflow="fold")
        return made

    console.print(f"A  {a.title}", markup=False)
    console.print(f"B  {b.title}", markup=False)
    console.print(f"on {outcome.data}\n")
    console.print(found.verdict, style="bold", markup=False)

    metrics = table("metric", "A", "B", "points", f"{100 * found.level:g} %", "B better")
    for name, metric in found.metrics.items():
        metrics.add_row(
            name.replace("macro_f1", "macro-F1"),
            f"{metric.a:.4f}",
            f"{metric.b:.4f}",
            points(metric.difference),
            f"{points(metric.low)} to {points(metric.high)}",
            f"{100 * metric.confidence():.1f} %",
        )
    console.print()
    console.print(metrics)
    console.print(
        f"right by A alone {found.only_a}, by B alone {found.only_b}; McNemar p {p_value(found.p)}; the same label "
        f"from both {100 * found.agreement:.1f} %"
    )

    models = Table(box=None, pad_edge=False)
    for column in ("", "A", "B"):
        models.add_column(column, overflow="fold")
    for row in outcome.about():
        models.add_row(*(part[:16] if len(part) in (32, 64) else part for part in row))
    console.print()
    console.print(models)

    def slices(first: str, parts: "tuple[Slice, ...]") -> None:
        made = table(first, "n", "A", "B", "points", "A alone", "B alone", "p")
        for part in parts:
            made.add_row(
                _plain(part.name),
                str(part.documents),
                f"{part.a:.3f}",
                f"{part.b:.3f}",
                points(part.difference),
                str(part.only_a),
                str(part.only_b),
                p_value(part.p).removeprefix("= "),
                style="bold" if part.p < 1 - found.level else None,
            )
        console.print()
        console.print(made)

    slices("recall by label", found.by_label)
    slices("accuracy by tokens", found.by_length)
    console.print("p: McNemar's, adjusted by Holm for the rows of its table; other differences may be chance")
    if outcome.disagreements.height:
        apart = Table(box=None, pad_edge=False)
        for column in ("disagree most on", "right", "A says", "B says"):
            apart.add_column(column, overflow="fold")
        for one in outcome.disagreements.iter_rows(named=True):
            text = " ".join(one["text"].split())[:80] if "text" in one else one["id"]
            said = (f"{one[side]} {one[f'p_{side}']:.2f}" for side in "ab")
            apart.add_row(*(_plain(part) for part in (text, one["actual"], *said)))
        console.print()
        console.print(apart)


def _plain(text: str) -> Any:
    """Return a cell in which brackets are no markup."""
    from rich.text import Text

    return Text(text)


def _size(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _same(a: str, b: str) -> tuple[str, str]:
    return (a, "the same") if a == b else (a, b)
