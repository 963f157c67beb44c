"""The page of a model whose run is in the store."""

from typing import TYPE_CHECKING, Any

from carousel.bundle.bundle import Bundle
from carousel.comparison.paired import Comparison
from carousel.corpus.training_data import VOCABULARY
from carousel.model_page.page import render
from carousel.model_page.reports import Reports
from carousel.model_page.section import Section
from carousel.model_page.training import ModelDescription
from carousel.predictor import Predictor
from carousel.task import Task
from carousel.text.vocabulary import Vocabulary
from carousel.times import local_time

if TYPE_CHECKING:
    from mlflow.entities import Run


def model_page(
    task: Task[Any],
    run: "Run",
    bundle: Bundle,
    predictor: Predictor,
    metrics: dict[str, float],
    comparison: Comparison,
    sections: list[Section],
) -> str:
    """Return the page.

    Args:
        task: of the model.
        run: that trained it.
        bundle: the model.
        predictor: made of it.
        metrics: of the model on the test split.
        comparison: of the baseline, A, and the model, B.
        sections: of the task.
    """
    params = run.data.params
    model = ModelDescription(
        name=run.info.run_name,
        noun=task.noun,
        target=task.target,
        baseline=task.baseline_noun,
        data=params["registry.name"],
        trained=local_time(run.info.start_time / 1000),
        fingerprint=bundle.fingerprint,
        run_id=run.info.run_id,
        encoder=predictor.architecture,
        size=predictor.size,
        params=params,
        tags=run.data.tags,
    )
    reports = Reports.read(bundle.part(VOCABULARY, Vocabulary.from_text))
    return render(model, reports, comparison, metrics, sections)
