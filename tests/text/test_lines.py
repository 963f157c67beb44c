import codecs
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.errors import UserError
from carousel.text import lines

# What str.splitlines() takes for line ends, and the file formats do not
SEPARATORS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))
ENCODINGS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@given(st.lists(TEXTS.filter(lambda text: not text.endswith("\r")), min_size=1), st.sampled_from(["\n", "\r\n"]))
def test_every_text_without_a_line_end_comes_back_in_order(texts: list[str], end: str) -> None:
    content = "".join(text + end for text in texts)
    for encoding, mark in ENCODINGS.items():
        if encoding == "utf-16-le" and content.startswith("\0"):
            continue  # the bytes of UTF-32's mark
        assert lines.split(mark + content.encode(encoding), "file") == texts
    if not content.startswith("\ufeff"):  # which is the mark itself
        assert lines.split(content.encode(), "file") == texts


@pytest.mark.parametrize("separator", SEPARATORS)
def test_only_line_feeds_end_a_line(separator: str) -> None:
    text = f"one{separator}two"
    assert lines.split(f"{text}\n{text}".encode(), "file") == [text, text]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (codecs.BOM_UTF8, []),
        (b"\n", [""]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"a\r\n \r\nb", ["a", " ", "b"]),
        (b"a\rb\n", ["a\rb"]),
        (b"a\x00b\n\x00\n", ["a\0b", "\0"]),
    ],
)
def test_there_are_as_many_texts_as_lines(content: bytes, expected: list[str]) -> None:
    assert lines.split(content, "file") == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\xff\n", r"file: line 2: not UTF-8 \(byte 0xff\)"),
        (b"caf\xe9\n", r"file: line 1: not UTF-8 \(byte 0xe9\)"),
        (b"\xed\xa0\xbd\n", "file: line 1: not UTF-8"),  # half of a surrogate pair
        (codecs.BOM_UTF16_LE + b"a\0\n\0b", "file: line 2: not UTF-16-LE"),
        (b"a\rb\rc\r", "file: its lines end with a carriage return alone"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        lines.split(content, "file")


def test_a_file_that_cannot_be_read_is_named(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match=f"{path}: cannot be read: "):
            lines.read(path)


def test_an_argument_is_read_as_utf_8_in_every_locale() -> None:
    assert lines.argument("ça [/i]", 1) == "ça [/i]"
    escaped = "ça".encode().decode("ascii", "surrogateescape")
    assert sys.getfilesystemencoding() == "utf-8"
    assert lines.argument(escaped, 1) == "ça"
    for wrong in ("\udcff", "\ud83d"):
        with pytest.raises(UserError, match="text 2: not UTF-8"):
            lines.argument(wrong, 2)
