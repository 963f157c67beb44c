"""A tagger with its tokenizer, vocabulary and tags: sentences in, spans out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from carousel.bundle.bundle import CONFIG, Bundle, BundleError, check_finite
from carousel.nn import encoders
from carousel.nn.crf import Allowed
from carousel.nn.initialisation import without_values
from carousel.nn.tagger import Tagger, TaggerConfig
from carousel.tasks.tagging.prediction import Prediction, SentenceReader
from carousel.tasks.tagging.tags import PART, Tags
from carousel.text.batch import by_length
from carousel.text.tokenizer import PART as TOKENIZER
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import PART as VOCABULARY
from carousel.text.vocabulary import Vocabulary

TASK = "tagging"
BATCH_TOKENS = 4_096


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
class SequenceTagger(SentenceReader):
    """A trained tagger and all that it needs to read sentences.

    Attributes:
        model: in evaluation mode.
        tokenizer: cuts a text into tokens, and normalizes each token before it is looked up.
        vocabulary: tokens to ids.
        tags: what the scores stand for.
    """

    model: Tagger
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    tags: Tags

    def __post_init__(self) -> None:
        config = self.model.config
        if misfit := self.misfit(config.vocabulary_size, config.tags, config.intents):
            raise BundleError(misfit)
        self.model.eval()

    # Prediction

    def predict(self, inputs: Sequence[str | list[str]]) -> list[Prediction]:
        """Tag texts or lists of tokens; each prediction is the same alone and in any company."""
        texts = [given if isinstance(given, str) else None for given in inputs]
        tokens = [self.tokens(given) for given in inputs]
        tagged = self.tag(tokens)
        intents: list[tuple[str, float]] = [("", 0.0)] * len(inputs)
        if tagged.intents is not None:
            best = tagged.intents.double().softmax(-1).max(-1)
            intents = [(self.tags.intents[int(i)], float(p)) for p, i in zip(*best, strict=True)]
        return [
            self.prediction(text, words, numbers, probabilities, intent)
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
        masks = self.tags.allowed()
        allowed = None if masks is None else Allowed.of(masks)
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
        ids, features, lengths = map(torch.from_numpy, self.numbers(sentences, self.model.config.feature_rows))
        return ids, features, lengths

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
        with without_values():
            return Tagger(described)
    except (KeyError, ValueError) as error:
        raise BundleError(f"{CONFIG}: describes a model that this version cannot build: {error}") from error
