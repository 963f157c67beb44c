"""A drift as one HTML file: no server, no network, no scripts."""

from collections.abc import Mapping
from datetime import date

from carousel import page
from carousel.comparison.paired import p_value
from carousel.drift import plots
from carousel.drift.comparison import MIN_EXAMPLES, SIGNIFICANCE, Drift, compare
from carousel.drift.profile import Profile
from carousel.plotting import svg


def render(title: str, source: str, drift: Drift, days: Mapping[date, Profile]) -> str:
    """Return the page.

    Args:
        title: the model, such as `topics version 3 (champion)`.
        source: a sentence on the predictions of now.
        drift: between the test split and now.
        days: profiles of single days; empty for a file.
    """
    from markupsafe import Markup

    each = [(day, compare(drift.reference, profile, drift.limit)) for day, profile in days.items()]
    told = [(day, one) for day, one in each if one.current.examples >= MIN_EXAMPLES]
    return page.render(
        "drift/page.html",
        title=title,
        source=source,
        drift=drift,
        shifts=[(shift, Markup(svg(plots.distribution(shift)))) for shift in drift.shifts],
        days=each,
        trend=Markup(svg(plots.by_day(told, drift.limit))) if len(told) > 1 else None,
        p_value=p_value,
        significance=SIGNIFICANCE,
        min_examples=MIN_EXAMPLES,
    )
