"""What a tagger predicts, and how it reads sentences, whatever computes its scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from carousel.nn import affixes
from carousel.tasks.tagging import schemes
from carousel.tasks.tagging.schemes import OUTSIDE
from carousel.tasks.tagging.tags import PART, Tags
from carousel.text.batch import padded
from carousel.text.known import count_tokens, has_known_word
from carousel.text.lines import is_encodable
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import PART as VOCABULARY
from carousel.text.vocabulary import UNKNOWN_ID, Vocabulary

NO_SPAN = "(none)"  # among predicted classes: a sentence without spans

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PredictedSpan:
    """Neighbouring tokens with one meaning; where tags write no spans, one token.

    Attributes:
        text: from the first character to the last.
        start: index of the first character in the text; in a list of tokens, of the first token.
        end: after the last character, or token.
        tag: its type.
        probability: the lowest one among its tokens' tags.
    """

    text: str
    start: int
    end: int
    tag: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What a tagger predicts for one sentence.

    Attributes:
        tokens: of the sentence.
        tags: of each token, spans in BIO.
        probabilities: of each tag, given the sentence.
        spans: in order.
        intent: of the sentence; empty if the tagger knows none.
        intent_probability: its probability; 0 without an intent.
    """

    tokens: list[str]
    tags: list[str]
    probabilities: list[float]
    spans: list[PredictedSpan]
    intent: str = ""
    intent_probability: float = 0.0

    @property
    def summary(self) -> str:
        """Each span as `TYPE=text`, after the intent."""
        found = [f"{span.tag}={span.text}" for span in self.spans]
        return ", ".join([*([self.intent] if self.intent else []), *found])

    @property
    def classes(self) -> tuple[str, ...]:
        """The type of each span, or `(none)` without spans; then the intent, as `intent NAME`."""
        types = tuple(span.tag for span in self.spans) or (NO_SPAN,)
        return (*types, f"intent {self.intent}") if self.intent else types

    @property
    def confidence(self) -> float:
        """The lowest probability among the tags and the intent; 1 for a sentence without tokens and intent."""
        return min([*self.probabilities, *([self.intent_probability] if self.intent else [])], default=1.0)

    def cells(self) -> tuple[str, ...]:
        """Return the spans, and the intent if the tagger knows any."""
        spans = ", ".join(f"{span.text} {span.tag} {span.probability:.2f}" for span in self.spans)
        return (spans, f"{self.intent} {self.intent_probability:.2f}") if self.intent else (spans,)


class SentenceReader:
    """How a tagger reads sentences, and what it makes of tags.

    Attributes:
        tokenizer: cuts a text into tokens, and normalizes each token before it is looked up.
        vocabulary: tokens to ids.
        tags: what the scores stand for.
    """

    example: ClassVar[list[Any]] = ["Raise ValueError if the name is not a string.", "Return a copy of the list."]

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    tags: Tags

    @property
    def columns(self) -> tuple[str, ...]:
        """Titles of a prediction's cells."""
        return ("spans", "intent") if self.tags.intents else ("spans",)

    def misfit(self, vocabulary_size: int, tags: int, intents: int) -> str | None:
        """Return why vocabulary and tags are not those of a model of these sizes; None if they may be."""
        for what, described, found in (
            (f"{VOCABULARY} has {{}} tokens", vocabulary_size, len(self.vocabulary)),
            (f"{PART} has {{}} tags", tags, len(self.tags.tags)),
            (f"{PART} has {{}} intents", intents, len(self.tags.intents)),
        ):
            if described != found:
                return f"{what.format(found)}, but the model has {described}"
        return None

    def tokens(self, given: str | list[str]) -> list[str]:
        """Return the tokens of a text or of a list of them."""
        return self.tokenizer.cut(given) if isinstance(given, str) else list(given)

    def numbers(self, sentences: Sequence[Sequence[str]], feature_rows: int) -> tuple[Integers, Integers, Integers]:
        """Return ids (B, T), features (B, T, F) and lengths (B,) of tokenized sentences."""
        ids, lengths = padded([self.ids(sentence) for sentence in sentences])
        features = np.zeros((*ids.shape, affixes.FEATURES), np.int64)
        for row, sentence in zip(features, sentences, strict=True):
            if sentence:
                row[: len(sentence)] = affixes.hashed(sentence, feature_rows)
        return ids, features, lengths

    def ids(self, tokens: Sequence[str]) -> list[int]:
        """Return the ids of a sentence's tokens, normalized; a sentence without tokens is one unknown token."""
        normalize, ids = self.tokenizer.normalize, self.vocabulary.ids
        return [ids.get(normalize(token) or token, UNKNOWN_ID) for token in tokens] or [UNKNOWN_ID]

    def has_known_word(self, given: str | list[str]) -> bool:
        """Return whether a text or list of tokens has a token of the training data."""
        return has_known_word([[token] for token in self._normalized(given)], self.vocabulary)

    def count_tokens(self, given: str | list[str]) -> tuple[int, int]:
        """Return how many tokens a text or list of tokens has, and how many of them are out of vocabulary."""
        return count_tokens(self._normalized(given), self.vocabulary)

    def check(self, given: Any) -> str | None:
        """Return why something is neither a text nor a list of tokens; None if it is one."""
        words = given if isinstance(given, list) else [given]
        if not all(isinstance(word, str) for word in words):
            return f"is neither a text nor a list of tokens but {type(given).__name__}"
        return None if all(map(is_encodable, words)) else "half of a surrogate pair, which is no character"

    def _normalized(self, given: str | list[str]) -> list[str]:
        return [self.tokenizer.normalize(token) or token for token in self.tokens(given)]

    def prediction(
        self,
        text: str | None,
        tokens: list[str],
        numbers: list[int],
        probabilities: list[float],
        intent: tuple[str, float],
    ) -> Prediction:
        """Return the prediction for a sentence.

        Args:
            text: that it was given as; None for a list of tokens.
            tokens: of the sentence.
            numbers: of their tags.
            probabilities: of their tags.
            intent: of the sentence, with its probability.
        """
        tags = self.tags.decode(numbers)
        places = _places(text, tokens)
        spans = []
        for start, end, type_ in _spans(tags, self.tags.scheme is not None):
            first, last = places[start][0], places[end - 1][1]
            shown = text[first:last] if text is not None else " ".join(tokens[start:end])
            spans.append(PredictedSpan(shown, first, last, type_, min(probabilities[start:end])))
        return Prediction(tokens, tags, probabilities, spans, *intent)


def _spans(tags: Sequence[str], is_spans: bool) -> list[tuple[int, int, str]]:
    if is_spans:
        return [(span.start, span.end, span.type) for span in schemes.spans(tags)]
    return [(i, i + 1, tag) for i, tag in enumerate(tags) if tag != OUTSIDE]


def _places(text: str | None, tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Return where each token begins and ends: in the text, or else in the list of tokens."""
    if text is None:
        return [(i, i + 1) for i in range(len(tokens))]
    places, end = [], 0
    for token in tokens:
        start = text.find(token, end)
        start = end if start < 0 else start
        end = start + len(token)
        places.append((start, end))
    return places
