"""Text for people: what a terminal would obey, or a reader could not see, is written as an escape."""

import io
import re
import sys

# Control characters (C0 without tab and line feed, DEL, C1), line and paragraph separators, characters that
# reorder the text after them, and surrogates, which no encoding can write
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return the text with unsafe characters as `\x1b` or `\u2028`; tabs and line feeds stay."""
    return _UNSAFE.sub(_python_escape, text)


def one_line(text: str) -> str:
    r"""Return `printable(text)` in one line: a line feed is written as `\n`."""
    return printable(text).replace("\n", "\\n")


def json_escaped(json: str) -> str:
    r"""Return JSON with the same unsafe characters as `\u001b`, which is the same JSON."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def escape_unencodable() -> None:
    """Let standard output escape what its encoding lacks instead of raising, as standard error does already."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _python_escape(found: re.Match[str]) -> str:
    return "\\r" if found[0] == "\r" else found[0].encode("unicode_escape", "surrogatepass").decode("ascii")
