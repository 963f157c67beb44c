"""The comparison of two models as one HTML file: no server, no network, no scripts."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from carousel.comparison import plots
from carousel.comparison.paired import Comparison, Slice, p_value, points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = tuple[str, str, str]  # what, of A, of B


def render(
    titles: tuple[str, str], about: Sequence[Row], comparison: Comparison, disagreements: pl.DataFrame, data: str
) -> str:
    """Return the page.

    Args:
        titles: of A and B.
        about: what the models are: their size, speed, fingerprints.
        comparison: of their predictions.
        disagreements: as `paired.disagreements` finds them, with a column `text` if available.
        data: a sentence on the test data.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    # everything but our own drawings is escaped
    environment.filters |= {"points": points, "p_value": p_value}
    environment.globals["score_title"] = score_title
    template = environment.from_string(Path(__file__).with_suffix(".html").read_text("utf-8"))
    return template.render(
        titles=titles,
        about=about,
        comparison=comparison,
        disagreements=disagreements.to_dicts(),
        data=data,
        differences=Markup(svg(plots.differences(comparison))),
        slices={
            kind: (parts, Markup(svg(_plot(comparison, kind, parts)))) for kind, parts in comparison.slices.items()
        },
    )


def _plot(comparison: Comparison, kind: str, parts: tuple[Slice, ...]) -> "Figure":
    title = score_title(comparison, parts)
    if kind == "length":
        return plots.lengths_apart(parts, title, comparison.example)
    return plots.classes_apart(parts, title)


def score_title(comparison: Comparison, parts: tuple[Slice, ...]) -> str:
    """Return what the slices' values are: the first metric on a slice's examples, or F1 of a class."""
    return "F1" if parts and parts[0].only_a is None else comparison.first.title


def svg(figure: "Figure") -> str:
    """Return a figure as an SVG element; its letters are outlines, so that no font is needed."""
    from matplotlib import rc_context

    content = io.StringIO()
    with rc_context({"svg.hashsalt": "carousel"}):  # the same figure is the same text
        figure.savefig(
            content, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None}
        )
    text = content.getvalue()
    return text[text.index("<svg") :]
