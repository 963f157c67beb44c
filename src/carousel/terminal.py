"""What standard output and standard error do with a character that their encoding lacks."""

import sys
from io import TextIOWrapper


def encode_anything() -> None:
    """Print such a character as an escape (`\\u4e2d`), where the locale or PYTHONIOENCODING is ASCII or Latin-1."""
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, TextIOWrapper):
            continue
        bytes_of_names = stream.errors == "surrogateescape" and stream.encoding.lower() == "utf-8"
        if not bytes_of_names:
            stream.reconfigure(errors="backslashreplace")
