"""The comparison of two models that a user names."""

from typing import Any

import polars as pl

from carousel import layout
from carousel.comparison import paired, speed
from carousel.comparison.model_comparison import ModelComparison
from carousel.comparison.predictions import Predictions
from carousel.corpus import tables
from carousel.errors import UserError
from carousel.predictor import Predictor
from carousel.registry.model_ref import ModelRef, describe
from carousel.registry.registered import test_data
from carousel.task import Task, find
from carousel.tracking.store import connect


def compare_models(a: ModelRef, b: ModelRef, *, reevaluate: bool = False) -> ModelComparison:
    """Compare two models.

    Args:
        a: the one that differences are from.
        b: the other.
        reevaluate: test both now, on the data here, whatever they were tested on.

    Raises:
        UserError: when they were tested on different data, or there is nothing to test them on.
    """
    (model_a, predictor_a), (model_b, predictor_b) = describe(a), describe(b)
    if model_a.task != model_b.task:
        raise UserError(
            f"{a.title} is a model of {model_a.task}, {b.title} of {model_b.task}: they cannot be compared"
        )
    task, predictors = find(model_a.task), (predictor_a, predictor_b)
    of_a, of_b = _predictions(task, (a, b), predictors, reevaluate)
    disagreements = paired.disagreements(task.scoring, of_a, of_b)
    test = test_data(task, of_a.digest)
    if test is not None:
        disagreements = disagreements.with_columns(text=task.texts(test)[disagreements["row"]])
    return ModelComparison(
        models=(model_a, model_b),
        milliseconds=() if test is None else tuple(speed.milliseconds(predictors, task.inputs(test))),
        comparison=paired.compare(task.scoring, of_a, of_b),
        disagreements=disagreements,
        digest=of_a.digest,
    )


def _predictions(
    task: Task[Any], refs: tuple[ModelRef, ...], predictors: tuple[Predictor, ...], reevaluate: bool
) -> list[Predictions]:
    """Return both models' predictions on one test set: those that their runs kept, or new ones on the data here."""
    if reevaluate:
        test = tables.read(layout.TEST)
        return [_predict(task, predictor, test) for predictor in predictors]
    kept = [None if one.folder else one.predictions(connect(create=False)) for one in refs]
    if None in kept:
        if not layout.TEST.exists():
            which = refs[kept.index(None)].title
            raise UserError(
                f"{which}: its run has no predictions, and {layout.TEST} is not here; `dvc repro` makes it"
            )
        test = tables.read(layout.TEST)
        here = task.digest(test)
        for ref in refs:
            tested = ref.tested_on() or here
            if tested != here:
                raise UserError(
                    f"{ref.title} was tested on other data ({tested[:16]}) than {layout.TEST} holds ({here[:16]}); "
                    "--reevaluate tests both on that"
                )
    found = [old or _predict(task, predictor, test) for old, predictor in zip(kept, predictors, strict=True)]
    if found[0].digest != found[1].digest:
        one, other = (f"{of.title} on {its.digest[:16]}" for of, its in zip(refs, found, strict=True))
        raise UserError(f"tested on different data: {one}, {other}; --reevaluate tests both on {layout.TEST} here")
    return found


def _predict(task: Task[Any], predictor: Predictor, test: pl.DataFrame) -> Predictions:
    return task.predictions(task.evaluate(predictor, test), task.digest(test))
