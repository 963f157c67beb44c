"""What predicts, whatever the task, and the predictor of a bundle.

Loading a bundle and predicting needs torch, numpy and safetensors alone, and what an exported model predicts with
(`carousel.runtime`) needs no torch, so this module imports no library.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from carousel.task_modules import TASKS, module

if TYPE_CHECKING:
    from carousel.bundle.bundle import Bundle


class Prediction(Protocol):
    """What a model predicts for one input; a dataclass of plain values."""

    @property
    def summary(self) -> str:
        """The prediction in a word or a line, such as the label."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What was predicted, for counting: the label, or the type of each span."""

    @property
    def confidence(self) -> float:
        """Probability of the prediction, from 0 to 1; of several predicted classes, the lowest."""

    def cells(self) -> tuple[str, ...]:
        """Return the columns of a table that shows it, as `Predictor.columns` names them."""


class Predictor(Protocol):
    """A trained model with its tokenizer and vocabulary.

    Attributes:
        example: inputs to show how it is called.
    """

    example: ClassVar[list[Any]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Titles of what `Prediction.cells` returns."""

    @property
    def architecture(self) -> str:
        """What reads, such as `bilstm`."""

    @property
    def size(self) -> str:
        """Its width and depth, such as `128x1`."""

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""

    def predict(self, inputs: Sequence[Any]) -> Sequence[Prediction]:
        """Predict for each input; a prediction is the same alone and in any company."""

    def has_known_word(self, given: Any) -> bool:
        """Return whether an input has a word of the training data; without one, its prediction means little."""

    def count_tokens(self, given: Any) -> tuple[int, int]:
        """Return how many tokens an input has, and how many of them are out of vocabulary."""

    def check(self, given: Any) -> str | None:
        """Return why something cannot be an input; None if it can."""


def predictor(bundle: "Bundle") -> Predictor:
    """Make the predictor of a bundle.

    Raises:
        BundleError: when the bundle is of a task that this version does not know, or its parts do not fit.
    """
    from carousel.bundle.bundle import BundleError

    if bundle.task not in TASKS:
        raise BundleError(f"bundle.json: says task {bundle.task!r}, this version reads {', '.join(TASKS)}")
    made: Predictor = module(bundle.task, "predictor").from_bundle(bundle)
    return made


def load(folder: Path) -> Predictor:
    """Read and verify a bundle's folder, and make its predictor.

    Raises:
        BundleError: when a file is missing or damaged, or does not belong to the others.
    """
    from carousel.bundle.bundle import Bundle, BundleError

    bundle = Bundle.load(folder)
    try:
        return predictor(bundle)
    except BundleError as error:
        raise BundleError(f"{folder}/{error}") from error
