import pytest
from sqlalchemy.exc import OperationalError

from carousel.errors import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n one\n"), "one"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "'a'"),
        (MemoryError("\n"), "MemoryError"),
        (OperationalError("select 1", {}, OSError("disk full\nsee log")), "disk full"),
        (OperationalError("select 1", {}, OSError()), "OSError"),
    ],
)
def test_the_first_line_of_any_exception(error: Exception, line: str) -> None:
    assert first_line(error) == line
