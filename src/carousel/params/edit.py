"""Changing values in the text of params.yaml; comments and every other line stay."""

import io
from typing import Any


def with_values(text: str, values: dict[str, Any]) -> str:
    """Return the text of params.yaml with other values.

    Args:
        text: of the file, in the form that `dvc exp run -S` keeps.
        values: by dotted key; a key that the file lacks is added.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1000  # never fold a line that its author did not
    content = yaml.load(text)
    for key, value in values.items():
        *sections, name = key.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()
