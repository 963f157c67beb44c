"""Profiles of made-up predictions."""

from collections.abc import Iterable

from hypothesis import strategies as st

from carousel.drift.profile import Profile

# tokens, unknown ones among them, classes, confidence
Example = tuple[int, int, tuple[str, ...], float]

examples = st.tuples(
    st.integers(0, 5000), st.integers(0, 40), st.lists(st.sampled_from("aβ名\n"), max_size=3), st.floats(0, 1)
).map(lambda one: (one[0], min(one[:2]), tuple(one[2]), one[3]))


def profile_of(given: Iterable[Example]) -> Profile:
    """Return the profile of examples."""
    profile = Profile()
    for one in given:
        profile.add(*one)
    return profile
