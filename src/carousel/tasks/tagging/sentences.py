"""A tagger's worst sentences as a part of a page."""

from typing import TYPE_CHECKING, Any

from carousel import page
from carousel.tasks.tagging.report import TaggingReport
from carousel.tasks.tagging.schemes import OUTSIDE

if TYPE_CHECKING:
    from markupsafe import Markup


def render(report: TaggingReport, count: int = 30) -> "Markup":
    """Return the sentences with the most errors.

    Args:
        report: of a model on the test split.
        count: how many sentences to show at most.
    """
    from markupsafe import Markup

    sums = dict(zip(report.statistics.names, report.statistics.sums.tolist(), strict=True))
    return Markup(
        page.render(
            "tasks/tagging/sentences.html",
            sentences=[_with_words(row) for row in report.worst(count).iter_rows(named=True)],
            with_errors=sums["sentences"] - sums["exact"],
            total=sums["sentences"],
            unknown=report.known is not None,
            outside=OUTSIDE if report.unit == "spans" else None,
        )
    )


def _with_words(sentence: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `TaggingReport.worst` with `words`: token, gold tag, predicted tag, whether it is known."""
    known = sentence.get("known") or [True] * len(sentence["tokens"])
    words = zip(sentence["tokens"], sentence["gold"], sentence["predicted"], known, strict=True)
    return sentence | {"words": list(words)}
