"""The labels that targets index, in order: a part of the bundle."""

import json
from collections.abc import Sequence

from carousel.text import strict_json

PART = "labels.json"


def to_part(labels: Sequence[str]) -> bytes:
    """Return the content of the part."""
    return (json.dumps(list(labels), ensure_ascii=False) + "\n").encode("utf-8")


def from_text(content: str) -> tuple[str, ...]:
    """Read what `to_part` wrote.

    Raises:
        ValueError: when the content is not a list of labels.
    """
    labels = strict_json.loads(content)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("is not a list of labels")
    return tuple(labels)
