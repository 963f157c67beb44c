"""A tagger's worst sentences as one HTML file: no server, no network, no scripts."""

from pathlib import Path
from typing import Any

from carousel.tasks.tagging.report import TaggingReport
from carousel.tasks.tagging.schemes import OUTSIDE
from carousel.text.printable import one_line


def render(report: TaggingReport, title: str, data: str, count: int = 50) -> str:
    """Return the page.

    Args:
        report: of a model on the test split.
        title: of the model.
        data: a sentence on the test data.
        count: how many sentences to show at most.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["one_line"] = one_line
    template = environment.from_string(Path(__file__).with_suffix(".html").read_text("utf-8"))
    sums = dict(zip(report.statistics.names, report.statistics.sums.tolist(), strict=True))
    return template.render(
        title=title,
        data=data,
        metrics=report.metrics(),
        sentences=[_with_words(row) for row in report.worst(count).iter_rows(named=True)],
        with_errors=sums["sentences"] - sums["exact"],
        total=sums["sentences"],
        unknown=report.known is not None,
        outside=OUTSIDE if report.unit == "spans" else None,
    )


def _with_words(sentence: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `TaggingReport.worst` with `words`: token, gold tag, predicted tag, whether it is known."""
    known = sentence.get("known") or [True] * len(sentence["tokens"])
    words = zip(sentence["tokens"], sentence["gold"], sentence["predicted"], known, strict=True)
    return sentence | {"words": list(words)}
