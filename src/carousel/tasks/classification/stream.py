"""A classifier that reads a text part by part, from an exported model with a state."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from carousel.runtime.state import State
from carousel.tasks.classification.prediction import Prediction
from carousel.tasks.classification.runtime import BATCH_TOKENS, ExportedClassifier
from carousel.text.batch import padded
from carousel.text.vocabulary import UNKNOWN_ID

Logits = npt.NDArray[np.float32]
Part = str | list[str]  # of a text, or its tokens


class StepClassifier(ExportedClassifier):
    """A classifier whose graph takes a state and returns the next one.

    Predicting for the parts of a text in order gives, after the last one, what predicting for the whole gives, if
    the parts meet at white space. A whole text is one step from the initial state.
    """

    @property
    def initial(self) -> State:
        """The state before the first token."""
        return State.initial(self.description)

    def feed(self, states: Sequence[State], parts: Sequence[Part]) -> list[tuple[Prediction, State]]:
        """Read the next part of several texts.

        Args:
            states: of each text so far.
            parts: the next part of each; one without tokens, or beyond the tokens that the model reads of a text,
                leaves the state as it is.

        Returns:
            Of each text, the prediction for all of it so far, and its next state.
        """
        fresh = [self._fresh(state, part) for state, part in zip(states, parts, strict=True)]
        after = list(states)
        reading = [i for i, ids in enumerate(fresh) if ids]
        for i, state in zip(
            reading, self._step([states[i] for i in reading], [fresh[i] for i in reading]), strict=True
        ):
            after[i] = state
        logits = [state.logits if len(state.ids) else self._without_tokens() for state in after]
        return list(zip(self.predictions(np.array(logits)), after, strict=True))

    @override
    def logits(self, documents: Sequence[Any], batch_tokens: int = BATCH_TOKENS) -> Logits:
        states = self._step([self.initial] * len(documents), documents)
        return np.array([state.logits for state in states], np.float32).reshape(-1, len(self.labels))

    def _fresh(self, state: State, part: Part) -> list[int]:
        """Return the ids of a part, of those that the model reads."""
        tokens = self.tokenizer.tokenize(part) if isinstance(part, str) else part
        if self.truncation != "none":
            tokens = tokens[: max(self.max_length - len(state.ids), 0)]
        return [self.vocabulary.ids.get(token, UNKNOWN_ID) for token in tokens]

    def _without_tokens(self) -> Logits:
        """Return the logits (labels,) of a text without tokens, which is one unknown token."""
        return self._step([self.initial], [[UNKNOWN_ID]])[0].logits

    def _step(self, states: Sequence[State], documents: Sequence[Any]) -> list[State]:
        """Return the states after the next ids of documents, one at least of each."""
        if len(states) == 1:
            return self._together(states, np.array([documents[0]], np.int64))
        after = list(states)
        sizes = np.array([len(document) for document in documents], dtype=np.int64)
        for size in np.unique(sizes):  # a step knows no padding
            rows, together = np.flatnonzero(sizes == size), max(1, BATCH_TOKENS // int(size))
            for first in range(0, len(rows), together):
                chosen = rows[first : first + together]
                ids = np.array([documents[i] for i in chosen], np.int64)
                for i, state in zip(chosen, self._together([states[i] for i in chosen], ids), strict=True):
                    after[i] = state
        return after

    def _together(self, states: Sequence[State], ids: npt.NDArray[np.int64]) -> list[State]:
        """Return the states after the next ids (B, T)."""
        given: dict[str, Any] = {"state": np.stack([state.numbers for state in states])}
        whole = [np.append(state.ids, document) for state, document in zip(states, ids, strict=True)]
        if self.program.takes("whole"):  # n-grams may span parts
            given["whole"] = padded(whole)[0]
        after, logits = self.program.run(ids=ids, **given)
        return [State(*each) for each in zip(whole, logits, after, strict=True)]


class Stream:
    """One text that is read part by part.

    Args:
        classifier: that reads it.
        state: to go on from; None is a text's beginning.
    """

    def __init__(self, classifier: StepClassifier, state: State | None = None) -> None:
        self.classifier = classifier
        self.state = classifier.initial if state is None else state

    def feed(self, part: Part) -> Prediction:
        """Read the next part, and return the prediction for the text so far."""
        ((prediction, self.state),) = self.classifier.feed([self.state], [part])
        return prediction

    def save(self) -> bytes:
        """Return the state, with which any process that has the same model can go on."""
        return self.state.save(self.classifier.description)

    @classmethod
    def load(cls, classifier: StepClassifier, content: bytes) -> "Stream":
        """Go on from a state that `save` returned.

        Raises:
            StateError: when it is no state, or another model's.
        """
        return cls(classifier, State.load(content, classifier.description))
