"""The page of a trained model as one HTML file: no server, no network, no scripts."""

from collections.abc import Sequence

from carousel import page
from carousel.comparison.paired import Comparison
from carousel.model_page import baseline, data, training
from carousel.model_page.reports import Reports
from carousel.model_page.section import Section
from carousel.model_page.training import ModelDescription


def render(
    model: ModelDescription,
    reports: Reports,
    comparison: Comparison,
    metrics: dict[str, float],
    own: Sequence[Section],
) -> str:
    """Return the page.

    Args:
        model: which one it is about.
        reports: of the stages before.
        comparison: of the baseline, A, and the model, B, on the test split.
        metrics: of the model on the test split.
        own: sections of the model's task.
    """
    sections = [
        baseline.metrics(comparison, metrics, model.baseline),
        *own,
        training.section(model, reports, comparison),
        data.section(reports.data, model.target, comparison.example, reports.lengths, reports.read_lengths()),
        data.vocabulary(reports.vocabulary, model.params, reports.unknown),
    ]
    return page.render(
        "model_page/page.html",
        model=model,
        comparison=comparison,
        verdict=baseline.verdict(comparison, model.baseline),
        sections=sections,
    )
