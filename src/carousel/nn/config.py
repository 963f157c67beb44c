"""What networks are built from; saved with their weights. Recommended values are in presets/."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from carousel.nn import bounds
from carousel.nn.bounds import Bounds, Count, Factor, Layers, Probability, Rows, Width, Words


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
    hidden_size: Width = 128
    layers: Layers = 1
    bidirectional: bool = True
    dropout: Probability = 0.0
    orthogonal: bool = True
    xavier: bool = True
    forget_bias: Factor = 1.0
    spectral_radius: Factor = 0.9
    heads: Width = 4

    def __post_init__(self) -> None:
        bounds.check(self)


@dataclass(frozen=True)
class ReadingConfig:
    """How a document is read.

    Attributes:
        name: a key of `nn.reading.READINGS`.
        chunk: words that are read together, where a reading has chunks.
        overlap: words that two neighbouring chunks share.
    """

    name: str = "full"
    chunk: Annotated[int, Bounds(1, 2**31)] = 256
    overlap: Words = 32

    def __post_init__(self) -> None:
        bounds.check(self)


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

    vocabulary_size: Rows
    classes: Width
    embedding_size: Width = 128
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    pooling: str = "max_mean"
    dropout: Probability = 0.0
    embedding_dropout: Probability = 0.0
    word_dropout: Probability = 0.0

    def __post_init__(self) -> None:
        bounds.check(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "ClassifierConfig":
        """Return the configuration that `dataclasses.asdict` made these values of.

        Raises:
            KeyError, TypeError, ValueError: when they are not such values.
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

    longest: Annotated[int, Bounds(1, 16)]
    rows: Count = 0
    weight: Probability = 0.0
    characters: Annotated[int, Bounds(0, 16)] = 0
    character_rows: Count = 0
    token_characters: Annotated[int, Bounds(0, 2**16)] = 0
    alphabet: Annotated[int, Bounds(0, 2**21)] = 0

    def __post_init__(self) -> None:
        bounds.check(self)
