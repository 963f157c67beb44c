import ast
import io
import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.text.printable import escape_unencodable, json_escaped, one_line, printable

ANY = st.text(st.characters(), max_size=20)
SAFE_CONTROLS = "\t\n"


@given(ANY)
def test_nothing_that_controls_a_terminal_is_left(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") for c in shown if c not in SAFE_CONTROLS)
    shown.encode("utf-8")
    assert "\n" not in one_line(text)


@given(st.text(st.characters(exclude_characters="\\'\n\t")))
def test_the_escapes_are_pythons(text: str) -> None:
    assert ast.literal_eval(f"'{printable(text)}'") == text


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"])))
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert printable(text) == one_line(text) == json_escaped(text) == text


@given(ANY)
def test_escaped_json_is_the_same_json_in_one_line(text: str) -> None:
    escaped = json_escaped(json.dumps({text: text}, ensure_ascii=False))
    assert json.loads(escaped) == {text: text}
    assert printable(escaped) == escaped
    assert escaped.splitlines() == [escaped]


def test_output_in_any_encoding_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    escape_unencodable()
    print("é ☃", flush=True)
    assert stream.buffer.getvalue() == b"\\xe9 \\u2603\n"
