"""What of the code decides a training's weights."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from carousel import __version__
from carousel.files import json_digest

PACKAGE = Path(__file__).parents[1]


@cache
def digest(task: str) -> str:
    """Return a digest of the source of networks, training and a task, and of the versions that they run on."""
    source = hashlib.sha256()
    for folder in ("nn", f"tasks/{task}", "training"):
        for file in sorted((PACKAGE / folder).rglob("*.py")):
            source.update(file.read_bytes())
    return json_digest([source.hexdigest(), __version__, version("torch"), version("pytorch-lightning")])
