import pytest

from carousel.times import duration


@pytest.mark.parametrize(("seconds", "text"), [(40, "40 s"), (100, "2 min"), (5399, "90 min"), (9000, "2.5 h")])
def test_durations_are_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text
