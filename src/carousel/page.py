"""Pages: standalone HTML files that need no server, no network and no scripts."""

from pathlib import Path
from typing import Any

from carousel.text.printable import one_line, printable

TEMPLATES = Path(__file__).parent


def render(template: str, **values: Any) -> str:
    """Return a page or a part of one; every value but `markupsafe.Markup` is escaped.

    Args:
        template: its path within this package. That of a whole page extends `page.html`, which has the style.
        values: that the template names.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"one_line": one_line, "printable": printable}
    return environment.get_template(template).render(values)
