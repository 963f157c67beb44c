"""What commands print: text is never markup, and never controls the terminal."""

import difflib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from carousel.text.printable import json_escaped, one_line, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDTH = 100  # columns of what is printed into a file or pipe
LONGEST = 300  # characters of a line in a diff: scripts in a page have one line


def say(line: str, *, to_stderr: bool = False) -> None:
    """Print a line, or several, at once."""
    print(printable(line), file=sys.stderr if to_stderr else sys.stdout, flush=True)


def say_diff(before: str, after: str) -> None:
    """Print the lines that differ between two texts, with a line around each."""
    old, new = (content.removesuffix("\n").split("\n") for content in (before, after))
    lines = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
    say("\n".join(line if len(line) <= LONGEST else f"{line[:LONGEST]} …" for line in lines))


def print_json(value: Any, indent: int | None = None) -> None:
    """Print JSON: as UTF-8 where standard output is that, else with escapes."""
    text = json_escaped(json.dumps(value, indent=indent, ensure_ascii=False))
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    print(text)


def console() -> "Console":
    """Return a console on standard output that takes strings as they are, and is WIDTH wide without a terminal."""
    from rich.console import Console
    from rich.text import Text

    class Printable(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            """Escape what the terminal would obey, wherever a plain string is printed or put into a table."""
            return super().render_str(printable(text), **options)

    made = Printable(highlight=False, markup=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = WIDTH
    return made


def cell(text: object, style: str = "") -> "Text":
    """Return one line of plain text, for a table's cell or a tree's branch."""
    from rich.text import Text

    return Text(one_line(str(text)), style=style)


def table(*columns: str, title: str | None = None) -> "Table":
    """Return a table without lines, whose cells fold."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, title=None if title is None else cell(title), title_justify="left")
    for column in columns:
        made.add_column(cell(column), overflow="fold")
    return made


def fields() -> "Table":
    """Return a table of names and values, without a head, whose values fold."""
    from rich.table import Table

    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    return made
