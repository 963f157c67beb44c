"""Texts that people give: one a line in a file, or one an argument."""

import codecs
import os
import re
from pathlib import Path

from carousel.errors import UserError

_SURROGATE = re.compile("[\ud800-\udfff]")
# UTF-32 first: its little-endian mark begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read(path: Path) -> list[str]:
    """Return the lines of a file.

    Raises:
        UserError: when it cannot be read, or as `split` does.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    return split(content, str(path))


def split(content: bytes, name: str) -> list[str]:
    r"""Return the lines of a file's content, without their ends.

    A line ends with `\n` or `\r\n` and with nothing else, so a form feed or U+2028 is part of a text. An empty line
    is an empty text; the end of the last line may be missing. A byte order mark is no part of the first line.

    Args:
        content: UTF-8, or UTF-16 or UTF-32 with a byte order mark.
        name: of the file, for messages.

    Raises:
        UserError: for bytes that are not text in this encoding, or lines that end with `\r` alone.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding, "replace")
        raise UserError(
            f"{name}: line {before.count(chr(10)) + 1}: not {encoding.upper()} (byte "
            f"{error.object[error.start]:#04x}); convert it, for example with `iconv -f latin1 -t utf-8`"
        ) from error
    if "\r" in text.rstrip("\r") and "\n" not in text:
        raise UserError(f"{name}: its lines end with a carriage return alone; convert them with `tr '\\r' '\\n'`")
    if not text:
        return []
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def argument(text: str, number: int) -> str:
    """Return a text from the command line, whatever the locale it was decoded in.

    Raises:
        UserError: when its bytes are not UTF-8.
    """
    if not _SURROGATE.search(text):
        return text
    try:
        return os.fsencode(text).decode("utf-8")  # a locale without UTF-8 keeps such bytes as surrogates
    except UnicodeError as error:
        raise UserError(
            f"text {number}: not UTF-8; convert it, for example with `iconv -f latin1 -t utf-8`"
        ) from error


def is_encodable(text: str) -> bool:
    """Return whether UTF-8 can write the text: JSON can spell half of a surrogate pair, which is no character."""
    return _SURROGATE.search(text) is None
