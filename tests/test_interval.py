import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.interval import wilson


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_holds_the_fraction_and_mirrors(pair):
    hits, n = pair
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
    other_low, other_high = wilson(n - hits, n)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high))


def test_published_values():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_more_trials_and_a_lower_level_are_narrower():
    low, high = wilson(np.array([1, 10, 100]), np.array([2, 20, 200]))
    assert (np.diff(high - low) < 0).all()
    assert np.ptp(wilson(10, 20, 0.8)) < np.ptp(wilson(10, 20))


def test_nothing_is_known_without_trials():
    assert wilson(0, 0) == pytest.approx((0, 1))
