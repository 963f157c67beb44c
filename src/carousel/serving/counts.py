"""What a worker counts of its predictions for `carousel drift`: numbers, never a text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from carousel.predictor import Prediction, Predictor


class Counts(Protocol):
    """Where a worker counts its predictions, by version and day."""

    def add(
        self, version: int, predictor: "Predictor", inputs: Sequence[Any], predictions: "Sequence[Prediction]"
    ) -> None:
        """Count predictions. It is called by the model's thread, after each batch.

        Args:
            version: that predicted.
            predictor: of that version, for its vocabulary.
            inputs: what it was given.
            predictions: for each input.
        """

    def flush(self) -> None:
        """Write what was counted since the last call; it may wait for the disk."""
