"""Two models on one test set: their predictions, their size and speed, and where they are widest apart."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.corpus import document, tables
from carousel.errors import UserError
from carousel.evaluation import predictions, speed
from carousel.evaluation.comparison import Comparison
from carousel.evaluation.predictions import Predictions
from carousel.registry.model_ref import ModelInfo, ModelRef, describe
from carousel.tracking.store import connect


@dataclass(frozen=True)
class ModelComparison:
    """All that there is to say of the two.

    Attributes:
        models: of A and B.
        milliseconds: a document, of A and B; empty where there are no texts to time.
        comparison: of their predictions.
        disagreements: the documents where they are widest apart, with `text` where it is at hand.
        digest: of the test data.
    """

    models: tuple[ModelInfo, ModelInfo]
    milliseconds: tuple[float, ...]
    comparison: Comparison
    disagreements: pl.DataFrame
    digest: str

    @property
    def data(self) -> str:
        """Which test data, in a sentence."""
        return f"{self.comparison.documents} test documents, digest {self.digest[:16]}"

    def about(self) -> list[tuple[str, str, str]]:
        """Return the rows that describe the models side by side."""
        a, b = self.models
        rows = [
            ("encoder", a.encoder, b.encoder),
            ("hidden size x layers", a.size, b.size),
            ("parameters", f"{a.parameters:,}", f"{b.parameters:,}"),
            ("bundle", _size(a.bytes), _size(b.bytes)),
            *([("ms a document", *(f"{taken:.2f}" for taken in self.milliseconds))] if self.milliseconds else []),
            ("trained", a.trained, b.trained),
            ("run", a.run_id or "unknown", b.run_id or "unknown"),
            ("fingerprint", a.fingerprint, b.fingerprint),
            ("vocabulary", *_same(a.vocabulary, b.vocabulary)),
            ("tokenizer", *_same(a.tokenizer, b.tokenizer)),
        ]
        return [(what, of_a, of_b) for what, of_a, of_b in rows]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        timed = self.milliseconds or (None, None)
        return {
            **{
                side: {**model.to_json(), "milliseconds": taken}
                for side, model, taken in zip("ab", self.models, timed, strict=True)
            },
            "test_digest": self.digest,
            **self.comparison.to_json(),
            "disagreements": self.disagreements.drop("row").to_dicts(),
        }


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
    texts = _texts(of_a.digest)
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


def _texts(digest: str) -> pl.Series | None:
    """Return the test documents' texts, if they are the data with this digest."""
    if not layout.TEST.exists():
        return None
    test = tables.read(layout.TEST)
    return test["text"] if document.digest(test) == digest else None


def _size(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _same(a: str, b: str) -> tuple[str, str]:
    return (a, "the same") if a == b else (a, b)
