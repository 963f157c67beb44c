import pytest

from carousel.points import points


@pytest.mark.parametrize(
    ("score", "reference", "expected"),
    [(0.9, 0.85, "+5.0"), (0.5, 0.7512, "-25.1"), (0.8, 0.8, "+0.0"), (0.8, 0.80001, "+0.0")],
)
def test_points_have_a_sign_and_zero_is_not_negative(score, reference, expected):
    assert points(score, reference) == expected
