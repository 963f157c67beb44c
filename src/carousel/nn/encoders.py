"""The encoders by name. A new one is a module with an `Encoder`, a function here, and a line in `ENCODERS`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from carousel.nn.bag import Bag
from carousel.nn.convolutional import ConvolutionalEncoder
from carousel.nn.encoder import Encoder
from carousel.nn.recurrent import RecurrentEncoder
from carousel.nn.transformer import TransformerEncoder

if TYPE_CHECKING:
    from carousel.nn.classifier import ClassifierConfig


def _recurrent(config: "ClassifierConfig") -> Encoder:
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


def _convolutional(config: "ClassifierConfig") -> Encoder:
    return ConvolutionalEncoder(config.embedding_size, config.hidden_size)


def _transformer(config: "ClassifierConfig") -> Encoder:
    return TransformerEncoder(
        config.embedding_size,
        config.hidden_size,
        layers=config.layers,
        heads=config.heads,
        dropout=config.dropout,
    )


def _bag(config: "ClassifierConfig") -> Encoder:
    return Bag(config.embedding_size)


ENCODERS: dict[str, Callable[["ClassifierConfig"], Encoder]] = {
    "recurrent": _recurrent,
    "convolutional": _convolutional,
    "transformer": _transformer,
    "bag": _bag,
}
