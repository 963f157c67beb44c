"""A tagger with its tokenizer, vocabulary and tags: sentences in, spans out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from carousel.bundle.bundle import CONFIG, Bundle, BundleError, check_finite
from carousel.nn import affixes, encoders
from carousel.nn.batch import by_length, pad
from carousel.nn.tagger import Tagger, TaggerConfig
from carousel.tasks.tagging import schemes
from carousel.tasks.tagging.schemes import OUTSIDE
from carousel.tasks.tagging.tags import PART, Tags
from carousel.text.known import has_known_word
from carousel.text.lines import is_encodable
from carousel.text.tokenizer import PART as TOKENIZER
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import PART as VOCABULARY
from carousel.text.vocabulary import UNKNOWN_ID, Vocabulary

TASK = "tagging"
BATCH_TOKENS = 4_096


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

    def cells(self) -> tuple[str, ...]:
        """Return the spans, and the intent if the tagger knows any."""
        spans = ", ".join(f"{span.text} {span.tag} {span.probability:.2f}" for span in self.spans)
        return (spans, f"{self.intent} {self.intent_probability:.2f}") if self.intent else (spans,)


class Tagged(NamedTuple):
    """Predictions for encoded sentences.

    Attributes:
        tags: numbers of each sentence's tags.
        probabilities: of each tag.
        intents: logits (sentences, I), None without intents.
    """

    tags: list[list[int]]
    probabilities: list[list[float]]
    intents: Tensor | None


@dataclass(frozen=True)
class SequenceTagger:
    """A trained tagger and all that it needs to read sentences.

    Attributes:
        model: in evaluation mode.
        tokenizer: cuts a text into tokens, and normalizes each token before it is looked up.
        vocabulary: tokens to ids.
        tags: what the scores stand for.
    """

    example: ClassVar[list[Any]] = ["Raise ValueError if the name is not a string.", "Return a copy of the list."]

    model: Tagger
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    tags: Tags

    def __post_init__(self) -> None:
        config = self.model.config
        for what, described, found in (
            (f"{VOCABULARY} has {{}} tokens", config.vocabulary_size, len(self.vocabulary)),
            (f"{PART} has {{}} tags", config.tags, len(self.tags.tags)),
            (f"{PART} has {{}} intents", config.intents, len(self.tags.intents)),
        ):
            if described != found:
                raise BundleError(f"{what.format(found)}, but the model has {described}")
        self.model.eval()

    @property
    def columns(self) -> tuple[str, ...]:
        """Titles of a prediction's cells."""
        return ("spans", "intent") if self.tags.intents else ("spans",)

    # Prediction

    def predict(self, inputs: Sequence[str | list[str]]) -> list[Prediction]:
        """Tag texts or lists of tokens; each prediction is the same alone and in any company."""
        texts = [given if isinstance(given, str) else None for given in inputs]
        tokens = [self.tokenizer.cut(given) if isinstance(given, str) else list(given) for given in inputs]
        tagged = self.tag(tokens)
        intents: list[tuple[str, float]] = [("", 0.0)] * len(inputs)
        if tagged.intents is not None:
            best = tagged.intents.double().softmax(-1).max(-1)
            intents = [(self.tags.intents[int(i)], float(p)) for p, i in zip(*best, strict=True)]
        return [
            self._prediction(text, words, numbers, probabilities, intent)
            for text, words, numbers, probabilities, intent in zip(
                texts, tokens, tagged.tags, tagged.probabilities, intents, strict=True
            )
        ]

    def tag(self, sentences: Sequence[Sequence[str]], batch_tokens: int = BATCH_TOKENS) -> Tagged:
        """Predict for tokenized sentences; one without tokens gets no tags."""
        lengths = np.array([max(len(sentence), 1) for sentence in sentences], dtype=np.int64)
        tags: list[list[int]] = [[] for _ in sentences]
        probabilities: list[list[float]] = [[] for _ in sentences]
        intents = torch.zeros(len(sentences), len(self.tags.intents)) if self.tags.intents else None
        allowed = self.tags.allowed()
        with torch.inference_mode():
            for group in by_length(lengths, batch_tokens):
                ids, features, sizes = self.encode([sentences[i] for i in group])
                scores = self.model(ids, features, sizes)
                check_finite(scores.emissions, scores.intents)
                decoded = self.model.decode(scores, sizes, allowed).tags  # (B, T)
                chosen = self.model.marginals(scores, sizes).gather(-1, decoded.unsqueeze(-1)).squeeze(-1)
                if intents is not None:
                    intents[group] = scores.intents
                for row, i in enumerate(group):
                    size = len(sentences[i])
                    tags[i], probabilities[i] = decoded[row, :size].tolist(), chosen[row, :size].tolist()
        return Tagged(tags, probabilities, intents)

    def encode(self, sentences: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """Return ids (B, T), features (B, T, F) and lengths (B,) of tokenized sentences."""
        ids, lengths = pad([np.array(self.ids(sentence), dtype=np.int64) for sentence in sentences])
        features = torch.zeros(*ids.shape, affixes.FEATURES, dtype=torch.int64)
        for row, sentence in zip(features, sentences, strict=True):
            if sentence:
                row[: len(sentence)] = torch.from_numpy(
                    affixes.hashed(sentence, self.model.config.feature_rows).astype(np.int64)
                )
        return ids, features, lengths

    def ids(self, tokens: Sequence[str]) -> list[int]:
        """Return the ids of a sentence's tokens, normalized; a sentence without tokens is one unknown token."""
        normalize, ids = self.tokenizer.normalize, self.vocabulary.ids
        return [ids.get(normalize(token) or token, UNKNOWN_ID) for token in tokens] or [UNKNOWN_ID]

    def has_known_word(self, given: str | list[str]) -> bool:
        """Return whether a text or list of tokens has a token of the training data."""
        tokens = self.tokenizer.cut(given) if isinstance(given, str) else given
        return has_known_word([[self.tokenizer.normalize(token) or token] for token in tokens], self.vocabulary)

    def check(self, given: Any) -> str | None:
        """Return why something is neither a text nor a list of tokens; None if it is one."""
        words = given if isinstance(given, list) else [given]
        if not all(isinstance(word, str) for word in words):
            return f"is neither a text nor a list of tokens but {type(given).__name__}"
        return None if all(map(is_encodable, words)) else "half of a surrogate pair, which is no character"

    def _prediction(
        self,
        text: str | None,
        tokens: list[str],
        numbers: list[int],
        probabilities: list[float],
        intent: tuple[str, float],
    ) -> Prediction:
        tags = self.tags.decode(numbers)
        places = _places(text, tokens)
        spans = []
        for start, end, type_ in _spans(tags, self.tags.scheme is not None):
            first, last = places[start][0], places[end - 1][1]
            shown = text[first:last] if text is not None else " ".join(tokens[start:end])
            spans.append(PredictedSpan(shown, first, last, type_, min(probabilities[start:end])))
        return Prediction(tokens, tags, probabilities, spans, *intent)

    # Description

    @property
    def architecture(self) -> str:
        """What reads, such as `bilstm-crf`."""
        config = self.model.config
        return encoders.called("recurrent", config.cell, config.bidirectional) + ("-crf" if config.crf else "")

    @property
    def size(self) -> str:
        """Its width and depth, such as `128x1`."""
        config = self.model.config
        return encoders.size("recurrent", config.hidden_size, config.layers, config.embedding_size)

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    # Storage

    def to_bundle(self) -> Bundle:
        """Return the bundle that it is stored as."""
        parts = {
            TOKENIZER: self.tokenizer.to_json().encode("utf-8"),
            VOCABULARY: self.vocabulary.to_text().encode("utf-8"),
            PART: self.tags.to_part(),
        }
        return Bundle(TASK, {"model": asdict(self.model.config)}, parts, self.model.state_dict())


def from_bundle(bundle: Bundle) -> SequenceTagger:
    """Make the tagger of a bundle.

    Raises:
        BundleError: when its configuration or a part is not one that this version reads, or they do not fit.
    """
    model = blank(bundle.config)
    tokenizer = bundle.part(TOKENIZER, Tokenizer.from_json)
    vocabulary = bundle.part(VOCABULARY, Vocabulary.from_text)
    tags = bundle.part(PART, Tags.from_text)
    bundle.put_into(model)
    model.dropped = torch.zeros(model.config.vocabulary_size)  # for training alone, so that no bundle has it
    try:
        tags.allowed()
    except ValueError as error:
        raise BundleError(f"{PART}: damaged or foreign: {error}") from error
    return SequenceTagger(model, tokenizer, vocabulary, tags)


def blank(config: dict[str, Any]) -> Tagger:
    """Return the model that a bundle's configuration describes, with weights that take no memory.

    Raises:
        BundleError: when the configuration is not one that this version reads.
    """
    try:
        if config.keys() != {"model"}:
            raise ValueError("its only key should be model")
        described = TaggerConfig(**config["model"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{CONFIG}: not the description of a tagger: {error}") from error
    try:
        # The weights are about to be loaded, so drawing random ones first would be time lost
        with torch.device("meta"):
            return Tagger(described)
    except (KeyError, ValueError) as error:
        raise BundleError(f"{CONFIG}: describes a model that this version cannot build: {error}") from error


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
