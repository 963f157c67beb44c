"""Differences of fractions in percentage points, as text."""


def points(score: float, reference: float) -> str:
    """Return how far one fraction is above another, in percentage points with a sign."""
    return f"{100 * (score - reference):+z.1f}"
