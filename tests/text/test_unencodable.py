import subprocess
import sys

import pytest

SAY = (
    "from carousel.text.printable import escape_unencodable; "
    "escape_unencodable(); print('\\u65e5\\u672c \\xb7 \\xfc')"
)


@pytest.mark.parametrize(
    ("environment", "printed"),
    [
        ({"PYTHONIOENCODING": "ascii"}, b"\\u65e5\\u672c \\xb7 \\xfc\n"),
        ({"PYTHONIOENCODING": "latin-1"}, "\\u65e5\\u672c · ü\n".encode("latin-1")),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, b"\\u65e5\\u672c \\xb7 \\xfc\n"),
        ({"LC_ALL": "C"}, "日本 · ü\n".encode()),
        ({}, "日本 · ü\n".encode()),
    ],
)
def test_a_character_that_the_terminal_lacks_is_an_escape(
    environment: dict[str, str], printed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LANG", "PYTHONUTF8", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert subprocess.run([sys.executable, "-c", SAY], check=True, capture_output=True).stdout == printed
