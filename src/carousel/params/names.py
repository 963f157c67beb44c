"""Names in params.yaml that later become a URL, a folder or a search at MLflow, or a file beside others."""

import re
import unicodedata
from pathlib import PurePosixPath

MAX_BYTES = 200  # file systems allow 255 for a folder's name, and MLflow appends to it
_PUNCTUATION = " -_.,+()"


def check_model_name(name: str) -> str:
    """Return the name of a registered model, which is a folder, a part of `models:/name/1`, and a quoted string.

    Raises:
        ValueError: when MLflow could not look it up, or load it again.
    """
    if not name:
        raise ValueError("is empty")
    for character in name:
        if character not in _PUNCTUATION and unicodedata.category(character)[0] not in "LNM":
            shown = character if character.isprintable() else f"U+{ord(character):04X}"
            raise ValueError(f"{_short(name)} has {shown!r} in it; use letters, digits, spaces and - _ . , + ( )")
    if name != name.strip() or name.startswith("-") or name.strip(".") == "":
        raise ValueError(f"{_short(name)} should begin and end with a letter or digit")
    if len(name.encode("utf-8")) > MAX_BYTES:
        raise ValueError(f"{_short(name)} is {len(name.encode('utf-8'))} bytes long; {MAX_BYTES} is the most")
    return name


def check_inside(path: str) -> str:
    """Return the path of a file inside a folder that DVC watches.

    Raises:
        ValueError: when it is elsewhere: DVC would not see it change.
    """
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts:
        raise ValueError(f"{_short(path)} should be a file inside that folder, without .. in its path")
    return check_path(path)


def check_path(path: str) -> str:
    """Return the path of a file or folder.

    Raises:
        ValueError: when it is none: empty, a URL, or with control characters.
    """
    if not path.strip():
        raise ValueError("is empty")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path):
        raise ValueError(f"{_short(path)} is a URL; download the file, and give its path here")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        raise ValueError(f"{_short(path)} has a control character")
    return path


def _short(name: str, most: int = 40) -> str:
    return repr(name if len(name) <= most else f"{name[:most]}…")
