"""What networks are built from; saved with their weights. Recommended values are in presets/."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class EncoderConfig:
    """What an `Encoder` is made of; one leaves alone what is no part of it.

    Attributes:
        name: a key of `nn.encoders.ENCODERS`.
        cell: a key of `nn.cells.CELLS`.
        hidden_size: width of one direction's state; of a convolutional encoder, filters of each width.
        layers: recurrent or transformer layers.
        bidirectional: whether a second direction reads from the end.
        dropout: probability, between layers.
        orthogonal: begin with orthogonal recurrent weights (see `nn.initialisation`).
        xavier: begin with Xavier input weights.
        forget_bias: begin with this bias of forget gates; 0 keeps torch's own.
        spectral_radius: of an echo state network's reservoir.
        heads: of a transformer's attention.
    """

    name: str = "recurrent"
    cell: str = "lstm"
    hidden_size: int = 128
    layers: int = 1
    bidirectional: bool = True
    dropout: float = 0.0
    orthogonal: bool = True
    xavier: bool = True
    forget_bias: float = 1.0
    spectral_radius: float = 0.9
    heads: int = 4


@dataclass(frozen=True)
class ReadingConfig:
    """How a document is read.

    Attributes:
        name: a key of `nn.reading.READINGS`.
        chunk: words that are read together, where a reading has chunks.
        overlap: words that two neighbouring chunks share.
    """

    name: str = "full"
    chunk: int = 256
    overlap: int = 32


@dataclass(frozen=True)
class ClassifierConfig:
    """What a `TextClassifier` is made of.

    Attributes:
        vocabulary_size: rows of the embedding, specials included.
        classes: width of the logits.
        embedding_size: width of a word vector.
        encoder: what reads the word vectors.
        reading: how it reads a document.
        pooling: a key of `nn.pooling.POOLINGS`.
        dropout: probability, before the head.
        embedding_dropout: probability, on the features of word vectors.
        word_dropout: probability that a word is read as unknown.
    """

    vocabulary_size: int
    classes: int
    embedding_size: int = 128
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    pooling: str = "max_mean"
    dropout: float = 0.0
    embedding_dropout: float = 0.0
    word_dropout: float = 0.0

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "ClassifierConfig":
        """Return the configuration that `dataclasses.asdict` made these values of.

        Raises:
            KeyError, TypeError: when they are not such values.
        """
        nested = {"encoder": EncoderConfig(**fields["encoder"]), "reading": ReadingConfig(**fields["reading"])}
        return cls(**{**fields, **nested})


@dataclass(frozen=True)
class NgramConfig:
    """What an `NgramEnsemble` has beside the network.

    Attributes:
        longest: words of the longest n-grams that are counted (see `nn.ngrams`).
        rows: n-grams that were counted; not a hyperparameter, but as many as the training documents have.
        weight: of a linear classifier of these n-grams (see `nn.linear_ngrams`) in the averaged logits; 0 has none.
        characters: longest n-grams of characters that the linear classifier has beside those of words; 0: none.
        character_rows: as `rows`, of characters; so are the next two.
        token_characters: of the longest token.
        alphabet: how many characters there are.
    """

    longest: int
    rows: int = 0
    weight: float = 0.0
    characters: int = 0
    character_rows: int = 0
    token_characters: int = 0
    alphabet: int = 0
