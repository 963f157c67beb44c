"""The encoders by name. A new one is a module with an `Encoder`, a function here, and a line in `ENCODERS`."""

from collections.abc import Callable

from carousel.nn.bag import Bag
from carousel.nn.config import EncoderConfig
from carousel.nn.convolutional import ConvolutionalEncoder
from carousel.nn.encoder import Encoder
from carousel.nn.recurrent import RecurrentEncoder
from carousel.nn.transformer import TransformerEncoder


def _recurrent(config: EncoderConfig, inputs: int) -> Encoder:
    return RecurrentEncoder(
        config.cell,
        inputs,
        config.hidden_size,
        layers=config.layers,
        bidirectional=config.bidirectional,
        dropout=config.dropout,
        orthogonal=config.orthogonal,
        xavier=config.xavier,
        forget_bias=config.forget_bias,
        spectral_radius=config.spectral_radius,
    )


def _convolutional(config: EncoderConfig, inputs: int) -> Encoder:
    return ConvolutionalEncoder(inputs, config.hidden_size)


def _transformer(config: EncoderConfig, inputs: int) -> Encoder:
    return TransformerEncoder(
        inputs,
        config.hidden_size,
        layers=config.layers,
        heads=config.heads,
        dropout=config.dropout,
    )


def _bag(_config: EncoderConfig, inputs: int) -> Encoder:
    return Bag(inputs)


ENCODERS: dict[str, Callable[[EncoderConfig, int], Encoder]] = {
    "recurrent": _recurrent,
    "convolutional": _convolutional,
    "transformer": _transformer,
    "bag": _bag,
}


def encoder(config: EncoderConfig, inputs: int) -> Encoder:
    """Return a new encoder.

    Args:
        config: what it is made of.
        inputs: width of a word vector.
    """
    return ENCODERS[config.name](config, inputs)


def called(name: str, cell: str, bidirectional: bool) -> str:
    """Return a word for what reads: `bilstm`, `gru`, `transformer`."""
    return ("bi" if bidirectional else "") + cell if name == "recurrent" else name


def size(name: str, hidden_size: int, layers: int, embedding_size: int) -> str:
    """Return its width and, where it has several, its layers: `128x1`, `128`."""
    if name == "bag":
        return str(embedding_size)
    return f"{hidden_size}" + ("" if name == "convolutional" else f"x{layers}")
