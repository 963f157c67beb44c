"""What a page is made of: sections of notes, tables, matrices and plots. The template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from markupsafe import Markup

Kind = Literal["name", "text", "number", "bar"]  # of a column
Columns = Sequence[tuple[str, Kind]]
NONE = "–"  # in a cell that has no value
MAX_ROWS = 100  # of a table of classes


@dataclass(frozen=True)
class Bar:
    """A bar in a cell, of a column whose whole width is 1.

    Attributes:
        value: length, from 0 to 1.
        shown: what is written beside it.
        interval: ends of its confidence interval.
        mark: another value, such as the baseline's.
    """

    value: float
    shown: str
    interval: tuple[float, float] | None = None
    mark: float | None = None


Cell = str | Bar


@dataclass(frozen=True)
class Note:
    """A paragraph."""

    text: str
    kind: ClassVar[str] = "note"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: title and kind of each.
        rows: a cell for each column.
        bold: numbers of the rows that stand out.
        folded: the line that the table is folded under; empty for a table that is always shown.
    """

    columns: Columns
    rows: Sequence[Sequence[Cell]]
    bold: frozenset[int] = frozenset()
    folded: str = ""
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Matrix:
    """Counts with a colour by each cell's fraction of its row.

    Attributes:
        rows: names.
        columns: names.
        counts: of each row and column.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    counts: Sequence[Sequence[int]]
    kind: ClassVar[str] = "matrix"

    def depth(self, row: int, column: int) -> float:
        """Return the depth of a cell's colour: the square root of its fraction of the row."""
        return float((self.counts[row][column] / max(sum(self.counts[row]), 1)) ** 0.5)


@dataclass(frozen=True)
class Plot:
    """A drawing.

    Attributes:
        svg: the element, as `plotting.svg` makes it.
        description: for those who cannot see it.
    """

    svg: str
    description: str
    kind: ClassVar[str] = "plot"

    @property
    def markup(self) -> Markup:
        """The element, which is not escaped."""
        return Markup(self.svg)


@dataclass(frozen=True)
class Html:
    """A part that a template of its own has made."""

    markup: Markup
    kind: ClassVar[str] = "html"


Part = Note | Table | Matrix | Plot | Html


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading.

    Attributes:
        name: the address within the page.
        title: the heading.
        parts: in order.
    """

    name: str
    title: str
    parts: Sequence[Part]
