"""What all plots share: colours, fonts, and an empty figure."""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from carousel.text.printable import one_line

if TYPE_CHECKING:
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
