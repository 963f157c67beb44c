"""The encoders by name. A new one is a module with an `Encoder`, a function here, and a line in `ENCODERS`."""

from collections.abc import Callable
from typing import Protocol

from carousel.nn.bag import Bag
from carousel.nn.config import ClassifierConfig
from carousel.nn.convolutional import ConvolutionalEncoder
from carousel.nn.encoder import Encoder
from carousel.nn.recurrent import RecurrentEncoder
from carousel.nn.transformer import TransformerEncoder


def _recurrent(config: ClassifierConfig) -> Encoder:
    return RecurrentEncoder(
        config.cell,
        config.embedding_size,
        config.hidden_size,
        layers=config.layers,
        bidirectional=config.bidirectional,
        dropout=config.dropout,
        orthogonal=config.orthogonal,
        xavier=config.xavier,
        forget_bias=config.forget_bias,
        spectral_radius=config.spectral_radius,
    )


def _convolutional(config: ClassifierConfig) -> Encoder:
    return ConvolutionalEncoder(config.embedding_size, config.hidden_size)


def _transformer(config: ClassifierConfig) -> Encoder:
    return TransformerEncoder(
        config.embedding_size,
        config.hidden_size,
        layers=config.layers,
        heads=config.heads,
        dropout=config.dropout,
    )


def _bag(config: ClassifierConfig) -> Encoder:
    return Bag(config.embedding_size)


ENCODERS: dict[str, Callable[[ClassifierConfig], Encoder]] = {
    "recurrent": _recurrent,
    "convolutional": _convolutional,
    "transformer": _transformer,
    "bag": _bag,
}


class Shape(Protocol):
    """What decides how a model is called: a `ClassifierConfig`, or the `model` section of params.yaml."""

    @property
    def encoder(self) -> str:
        """A key of `ENCODERS`."""

    @property
    def cell(self) -> str:
        """A key of `nn.cells.CELLS`."""

    @property
    def bidirectional(self) -> bool:
        """Whether a second direction reads from the end."""

    @property
    def embedding_size(self) -> int:
        """Width of a word vector."""

    @property
    def hidden_size(self) -> int:
        """Width of one direction's state."""

    @property
    def layers(self) -> int:
        """How many there are."""


def called(shape: Shape) -> str:
    """Return a word for what reads: `bilstm`, `gru`, `transformer`."""
    if shape.encoder != "recurrent":
        return shape.encoder
    return ("bi" if shape.bidirectional else "") + shape.cell


def size(shape: Shape) -> str:
    """Return its width and, where it has several, its layers: `128x1`, `128`."""
    if shape.encoder == "bag":
        return str(shape.embedding_size)
    return f"{shape.hidden_size}" + ("" if shape.encoder == "convolutional" else f"x{shape.layers}")
