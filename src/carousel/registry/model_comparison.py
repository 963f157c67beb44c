"""The comparison of two models that a user names."""

from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.comparison import predictions, speed
from carousel.comparison.model_comparison import ModelComparison
from carousel.comparison.predictions import Predictions
from carousel.corpus import document, tables
from carousel.errors import UserError
from carousel.registry.model_ref import ModelRef, describe
from carousel.registry.registered import test_data
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
    (model_a, bundle_a), (model_b, bundle_b) = describe(a), describe(b)
    of_a, of_b = _predictions((a, b), (bundle_a, bundle_b), reevaluate)
    disagreements = predictions.disagreements(of_a, of_b)
    test = test_data(of_a.digest)
    texts = None if test is None else test["text"]
    if texts is not None:
        disagreements = disagreements.with_columns(text=texts[disagreements["row"]])
    return ModelComparison(
        models=(model_a, model_b),
        milliseconds=() if texts is None else tuple(speed.milliseconds([bundle_a, bundle_b], texts.to_list())),
        comparison=predictions.compare(of_a, of_b),
        disagreements=disagreements,
        digest=of_a.digest,
    )


def _predictions(refs: tuple[ModelRef, ...], bundles: tuple[Bundle, ...], reevaluate: bool) -> list[Predictions]:
    """Return both models' predictions on one test set: those that their runs kept, or new ones on the data here."""
    if reevaluate:
        test = tables.read(layout.TEST)
        return [predictions.predict_documents(bundle, test) for bundle in bundles]
    kept = [None if one.folder else one.predictions(connect()) for one in refs]
    if None in kept:
        if not layout.TEST.exists():
            which = refs[kept.index(None)].title
            raise UserError(
                f"{which}: its run has no predictions, and {layout.TEST} is not here; `dvc repro` makes it"
            )
        test = tables.read(layout.TEST)
        here = document.digest(test)
        for ref in refs:
            tested = ref.tested_on() or here
            if tested != here:
                raise UserError(
                    f"{ref.title} was tested on other data ({tested[:16]}) than {layout.TEST} holds ({here[:16]}); "
                    "--reevaluate tests both on that"
                )
    found = [old or predictions.predict_documents(bundle, test) for old, bundle in zip(kept, bundles, strict=True)]
    if found[0].digest != found[1].digest:
        one, other = (f"{of.title} on {its.digest[:16]}" for of, its in zip(refs, found, strict=True))
        raise UserError(f"tested on different data: {one}, {other}; --reevaluate tests both on {layout.TEST} here")
    return found
