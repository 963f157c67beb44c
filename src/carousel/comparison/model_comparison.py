"""Two models on one test set: what they are, how fast, and how their predictions differ."""

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from carousel.comparison.paired import Comparison


@dataclass(frozen=True)
class ModelInfo:
    """What a comparison says of a model itself.

    Attributes:
        title: what to call it.
        task: which task's model it is.
        encoder: what reads: `bilstm`, `gru`, `transformer`.
        size: `128x1`: hidden size of a direction, and layers.
        parameters: numbers that training chose.
        bytes: of the bundle's files.
        fingerprint: of the bundle.
        vocabulary: fingerprint of its vocabulary.
        tokenizer: fingerprint of its tokenizer.
        trained: when, to the minute.
        run_id: that trained it; empty for a bare bundle.
    """

    title: str
    task: str
    encoder: str
    size: str
    parameters: int
    bytes: int
    fingerprint: str
    vocabulary: str
    tokenizer: str
    trained: str
    run_id: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values for scripts."""
        return asdict(self)


@dataclass(frozen=True)
class ModelComparison:
    """The result of comparing two models.

    Attributes:
        models: of A and B.
        milliseconds: a document, of A and B; empty where there are no texts to time.
        comparison: of their predictions.
        disagreements: the documents on which their probabilities differ most, with `text` if it is available.
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
        return f"{self.comparison.examples} test {self.comparison.example}s, digest {self.digest[:16]}"

    def about(self) -> list[tuple[str, str, str]]:
        """Return the rows that describe the models side by side."""
        a, b = self.models
        rows = [
            ("encoder", a.encoder, b.encoder),
            ("hidden size x layers", a.size, b.size),
            ("parameters", f"{a.parameters:,}", f"{b.parameters:,}"),
            ("bundle", _size(a.bytes), _size(b.bytes)),
            *(
                [(f"ms per {self.comparison.example}", *(f"{taken:.2f}" for taken in self.milliseconds))]
                if self.milliseconds
                else []
            ),
            ("trained", a.trained, b.trained),
            ("run", a.run_id or "unknown", b.run_id or "unknown"),
            ("fingerprint", a.fingerprint, b.fingerprint),
            ("vocabulary", *_same(a.vocabulary, b.vocabulary)),
            ("tokenizer", *_same(a.tokenizer, b.tokenizer)),
        ]
        return [(what, of_a, of_b) for what, of_a, of_b in rows]

    def _timed(self) -> list[tuple[str, ...]]:
        if not self.milliseconds:
            return []
        return [(f"ms per {self.comparison.example}", *(f"{taken:.2f}" for taken in self.milliseconds))]

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


def _size(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _same(a: str, b: str) -> tuple[str, str]:
    return (a, "the same") if a == b else (a, b)
