"""The comparison of two models as one HTML file: no server, no network, no scripts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from carousel import page
from carousel.comparison import plots
from carousel.comparison.paired import Comparison, Slice, p_value, points
from carousel.plotting import svg

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
    from markupsafe import Markup

    return page.render(
        "comparison/page.html",
        titles=titles,
        about=about,
        comparison=comparison,
        disagreements=disagreements.to_dicts(),
        data=data,
        points=points,
        p_value=p_value,
        score_title=score_title,
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
