"""Changing values of params.yaml."""

import io
from collections.abc import Mapping
from typing import Any


def with_values(text: str, values: Mapping[str, Any]) -> str:
    """Return the text of params.yaml with other values; comments and every other line stay.

    Args:
        text: of the file, in the form that `dvc exp run -S` keeps.
        values: by dotted key; a key that the file lacks is added.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1000  # never fold a line that its author did not
    content = yaml.load(text)
    put(content, values)
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def put(content: Any, values: Mapping[str, Any]) -> None:
    """Put values into the content of params.yaml.

    Args:
        content: sections with their keys.
        values: by dotted key; a key or section that the content lacks is added.
    """
    for key, value in values.items():
        *sections, name = key.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
