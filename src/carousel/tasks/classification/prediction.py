"""What a classifier predicts, and how it reads text, whatever computes its logits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from carousel.tasks.classification.labels import PART as LABELS
from carousel.text.known import count_tokens, has_known_word
from carousel.text.lines import is_encodable
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import PART as VOCABULARY
from carousel.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Prediction:
    """What a classifier predicts for one text.

    Attributes:
        label: the most probable label.
        probability: its probability.
        probabilities: every label's, in the classifier's order; they sum to 1.
    """

    label: str
    probability: float
    probabilities: dict[str, float]

    @property
    def summary(self) -> str:
        """The label."""
        return self.label

    @property
    def classes(self) -> tuple[str, ...]:
        """The label."""
        return (self.label,)

    @property
    def confidence(self) -> float:
        """The label's probability."""
        return self.probability

    def cells(self) -> tuple[str, ...]:
        """Return label, probability, and the next two labels."""
        ranked = sorted(self.probabilities.items(), key=lambda pair: -pair[1])
        others = ", ".join(f"{label} {probability:.3f}" for label, probability in ranked[1:3])
        return self.label, f"{self.probability:.3f}", others


class TextReader:
    """How a classifier reads text, and what it makes of probabilities.

    Attributes:
        tokenizer: text to tokens.
        vocabulary: tokens to ids.
        labels: what the logits stand for, in order.
        max_length: tokens that a longer text keeps, as in training.
        truncation: which they are, as `text.cut` says.
    """

    example: ClassVar[list[Any]] = ["Return a new event loop for the current thread.", "Parse an XML document."]

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    max_length: int
    truncation: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Titles of a prediction's cells."""
        return "label", "p", "then"

    def misfit(self, vocabulary_size: int, classes: int) -> str | None:
        """Return why vocabulary and labels are not those of a model of these sizes; None if they may be."""
        if vocabulary_size != len(self.vocabulary):
            return f"{VOCABULARY} has {len(self.vocabulary)} tokens, but the model embeds {vocabulary_size}"
        if classes != len(self.labels) or len(set(self.labels)) != len(self.labels):
            return f"{LABELS} names {len(set(self.labels))} labels, but the model has {classes} classes"
        return None

    def encode(self, text: str) -> list[int]:
        """Return a text's ids, as in training."""
        return self.ids(self.tokenizer.tokenize(text))

    def ids(self, tokens: list[str]) -> list[int]:
        """Return the ids of a text's tokens: of those that are read."""
        return self.vocabulary.encode(tokens, self.max_length, self.truncation)

    def named(self, probabilities: Iterable[list[float]]) -> list[Prediction]:
        """Return predictions of probabilities (documents, labels)."""
        predictions = []
        for row in probabilities:
            best = max(range(len(row)), key=row.__getitem__)
            predictions.append(Prediction(self.labels[best], row[best], dict(zip(self.labels, row, strict=True))))
        return predictions

    def has_known_word(self, given: str) -> bool:
        """Return whether a text has a word of the training data."""
        return has_known_word(self.tokenizer.words(given), self.vocabulary)

    def count_tokens(self, given: str) -> tuple[int, int]:
        """Return how many tokens a text has, and how many of them are out of vocabulary."""
        return count_tokens(self.tokenizer.tokenize(given), self.vocabulary)

    def check(self, given: Any) -> str | None:
        """Return why something is not a text that can be classified; None if it is."""
        if not isinstance(given, str):
            return f"is not a text but {type(given).__name__}"
        return None if is_encodable(given) else "half of a surrogate pair, which is no character"
