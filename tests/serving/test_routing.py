from hypothesis import given
from hypothesis import strategies as st

from carousel.serving.routing import fraction, goes_to_canary


@given(st.text())
def test_a_fraction_is_one_and_the_same(identifier: str) -> None:
    assert 0 <= fraction(identifier) < 1
    assert fraction(identifier) == fraction(identifier)
    assert not goes_to_canary(identifier, 0.0)
    assert goes_to_canary(identifier, 1.0)


def test_who_is_of_a_small_canary_is_of_a_larger_one() -> None:
    names = [f"user-{number}" for number in range(2000)]
    small = {name for name in names if goes_to_canary(name, 0.05)}
    large = {name for name in names if goes_to_canary(name, 0.2)}
    assert small < large
    assert 60 < len(small) < 140  # 100 are expected
