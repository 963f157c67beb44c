"""A text classifier with its tokenizer, vocabulary and labels: text in, label and probabilities out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from carousel.bundle.bundle import CONFIG, WEIGHTS, Bundle, BundleError, check_finite
from carousel.explanation import Explanation
from carousel.nn import bounds, encoders, ngram_streaming, streaming
from carousel.nn.batch import pad
from carousel.nn.bounds import Bounds
from carousel.nn.classifier import TextClassifier
from carousel.nn.config import ClassifierConfig, NgramConfig
from carousel.nn.initialisation import without_values
from carousel.nn.ngram_ensemble import NgramEnsemble
from carousel.tasks.classification.labels import PART as LABELS
from carousel.tasks.classification.labels import from_text, to_part
from carousel.tasks.classification.prediction import Prediction, TextReader
from carousel.text.batch import by_length
from carousel.text.cut import kept
from carousel.text.tokenizer import PART as TOKENIZER
from carousel.text.tokenizer import Tokenizer
from carousel.text.vocabulary import PART as VOCABULARY
from carousel.text.vocabulary import Vocabulary

TASK = "classification"
BATCH_TOKENS = 16_384
CONFIG_KEYS = {"model", "ngrams", "max_length", "truncation"}


@dataclass(frozen=True)
class Classifier(TextReader):
    """A trained classifier and all that it needs to read text.

    Attributes:
        model: in evaluation mode.
        tokenizer: text to tokens.
        vocabulary: tokens to ids.
        labels: what the logits stand for, in order.
        max_length: tokens that a longer text keeps, as in training.
        truncation: which they are, as `text.cut` says.
    """

    model: TextClassifier | NgramEnsemble
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    max_length: int
    truncation: str = "head"

    def __post_init__(self) -> None:
        config = self.model.config
        if misfit := self.misfit(config.vocabulary_size, config.classes):
            raise BundleError(misfit)
        self.model.eval()

    # Prediction

    def logits(self, documents: Sequence[Any], batch_tokens: int = BATCH_TOKENS) -> Tensor:
        """Return the logits (documents, labels) of encoded documents, each a sequence of at least one id.

        A document of more than `batch_tokens` is read piece by piece, so that its length needs no more memory.
        """
        logits = torch.empty(len(documents), len(self.labels))
        lengths = np.array([len(document) for document in documents], dtype=np.int64)
        with torch.inference_mode():
            for group in by_length(lengths, batch_tokens):
                if lengths[group[0]] > batch_tokens:  # it is a group of its own
                    logits[group] = self._streamed(documents[group[0]], batch_tokens)
                else:
                    logits[group] = self.model(*pad([documents[i] for i in group]))
        check_finite(logits)
        return logits

    def _streamed(self, document: Any, limit: int) -> Tensor:
        if isinstance(self.model, NgramEnsemble):
            return ngram_streaming.logits(self.model, document, limit)
        return streaming.logits(self.model, document, limit)

    @property
    def network(self) -> TextClassifier:
        """The network, which n-grams may stand beside."""
        return self.model.network if isinstance(self.model, NgramEnsemble) else self.model

    def predict(self, inputs: Sequence[str]) -> list[Prediction]:
        """Classify texts; each prediction is the same alone and in any company."""
        return self.predictions(self.logits([self.encode(text) for text in inputs]))

    def predictions(self, logits: Tensor) -> list[Prediction]:
        """Turn logits (documents, labels) into predictions."""
        return self.named(logits.double().softmax(-1).tolist())

    def explain(self, text: str) -> Explanation:
        """Return which words the prediction is based on."""
        from carousel.tasks.classification.explanation import explain

        return explain(self, text)

    # Description

    @property
    def architecture(self) -> str:
        """What reads, such as `bilstm`."""
        encoder = self.model.config.encoder
        return encoders.called(encoder.name, encoder.cell, encoder.bidirectional)

    @property
    def size(self) -> str:
        """Its width and depth, such as `128x1`."""
        config = self.model.config
        return encoders.size(
            config.encoder.name, config.encoder.hidden_size, config.encoder.layers, config.embedding_size
        )

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    # Storage

    def to_bundle(self) -> Bundle:
        """Return the bundle that it is stored as."""
        config = {
            "model": asdict(self.model.config),
            "ngrams": asdict(self.model.ngram_config) if isinstance(self.model, NgramEnsemble) else None,
            "max_length": self.max_length,
            "truncation": self.truncation,
        }
        parts = {
            TOKENIZER: self.tokenizer.to_json().encode("utf-8"),
            VOCABULARY: self.vocabulary.to_text().encode("utf-8"),
            LABELS: to_part(self.labels),
        }
        return Bundle(TASK, config, parts, self.model.state_dict())


def from_bundle(bundle: Bundle) -> Classifier:
    """Make the classifier of a bundle.

    Raises:
        BundleError: when its configuration or a part is not one that this version reads, or they do not fit.
    """
    model = blank(bundle.config)
    tokenizer = bundle.part(TOKENIZER, Tokenizer.from_json)
    vocabulary = bundle.part(VOCABULARY, Vocabulary.from_text)
    labels = bundle.part(LABELS, from_text)
    bundle.put_into(model)
    try:
        if isinstance(model, NgramEnsemble):
            model.check()
    except ValueError as error:
        raise BundleError(f"{WEIGHTS}: {error}") from error
    return Classifier(
        model, tokenizer, vocabulary, labels, bundle.config["max_length"], bundle.config["truncation"]
    )


def blank(config: dict[str, Any]) -> TextClassifier | NgramEnsemble:
    """Return the model that a bundle's configuration describes, with weights that take no memory.

    Raises:
        BundleError: when the configuration is not one that this version reads.
    """
    try:
        if config.keys() != CONFIG_KEYS:
            raise ValueError(f"its keys should be {', '.join(sorted(CONFIG_KEYS))}")
        network, fields = ClassifierConfig.from_json(config["model"]), config["ngrams"]
        ngrams = NgramConfig(**fields) if fields is not None else None
        bounds.check(_Kept(config["max_length"], config["truncation"]))
        kept(config["max_length"], config["truncation"])  # or it is a later version's
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{CONFIG}: not the description of a text classifier: {error}") from error
    try:
        # The weights are about to be loaded, so drawing random ones first would be time lost
        with without_values():
            return TextClassifier(network) if ngrams is None else NgramEnsemble(network, ngrams)
    except (KeyError, ValueError) as error:
        raise BundleError(f"{CONFIG}: describes a model that this version cannot build: {error}") from error


@dataclass(frozen=True)
class _Kept:
    """What is kept of a document."""

    max_length: Annotated[int, Bounds(1, 2**31)]
    truncation: str
