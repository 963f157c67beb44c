"""What all plots share: colours, fonts, an empty figure, and the figure as a part of a page."""

import io
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from carousel.text.printable import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = "#3b6ea8", "#d9822b"
# For scripts that Matplotlib's own font lacks
FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans Thai", "Noto Sans Devanagari", "Noto Sans Arabic",
    "Noto Sans Hebrew", "WenQuanYi Micro Hei", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo",
    "Microsoft YaHei", "Arial Unicode MS",
)  # fmt: skip
MAX_NAMED = 30  # more labels than this are too many to write on an axis or in the cells


def empty_figure(size: tuple[float, float]) -> "Figure":
    """Return an empty figure of a size in inches, with a font for every script that one is installed for."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    mpl.rcParams["font.family"] = ["DejaVu Sans", *(name for name in FONTS if name in installed)]
    # where there is none, a box stands in the plot, and the tables beside it have the name
    warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font", category=UserWarning)
    return Figure(figsize=size, layout="constrained", dpi=120)


def named_ticks(labels: Iterable[str]) -> list[str]:
    """Return labels as plain text of one line."""
    return [one_line(label) for label in labels]


def titled(axes: "Axes", title: str, model: str) -> None:
    """Write a title over a plot, and under it the model and data that it is of, in smaller letters.

    Args:
        axes: of the plot.
        title: what it shows.
        model: the model, its data set and the split; empty for a page that says it elsewhere.
    """
    if not model:
        axes.set_title(title, parse_math=False)
        return
    axes.set_title(one_line(model), fontsize=8, color="#666666", parse_math=False)
    axes.figure.suptitle(title)


def svg(figure: "Figure") -> str:
    """Return a figure as an SVG element for a page, in the page's colours of text and background.

    Its letters are outlines, so that no font is needed. They have no colour of their own: page.css fills them.
    """
    from matplotlib import rc_context

    content = io.StringIO()
    with rc_context({"svg.hashsalt": "carousel"}):  # the same figure is the same text
        figure.savefig(
            content,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Type": None, "Format": None},
        )
    text = content.getvalue()
    element = text[text.index("<svg") :]
    return element.replace("#000000", "currentColor").replace("#ffffff", "var(--back)")
