"""A document of any length in bounded memory: encoded, pooled and forgotten piece by piece."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from carousel.nn.classifier import TextClassifier
from carousel.nn.pooling import Attention


def logits(model: TextClassifier, ids: npt.ArrayLike, limit: int) -> Tensor:
    """Return one document's logits (1, classes): those that the model gives for it at once, to 1e-5.

    Args:
        model: in evaluation mode. A transformer that reads in one go computes all of a document at once, and a
            chunk is never divided; everything else keeps to the limit.
        ids: of the document's words, one at least.
        limit: words that are computed at once.
    """
    words, lengths = as_batch(ids)
    pooling, part, first, last = model.pooling, None, None, None
    for outputs in outputs_of(model, words, limit):
        own = pooling.part(outputs, torch.tensor([outputs.shape[1]]))
        part = own if part is None else pooling.merged(part, own)
        first, last = outputs[:, 0] if first is None else first, outputs[:, -1]
    assert part is not None
    assert first is not None
    assert last is not None
    features = pooling.finished(part, model.encoder.final(first, last), lengths)
    logits: Tensor = model.head(features)
    return logits


def attention(model: TextClassifier, ids: npt.ArrayLike, limit: int) -> Tensor:
    """Return the weight (words,) that attention pooling gives to each word of a document; they sum to 1."""
    pooling = model.pooling
    if not isinstance(pooling, Attention):
        raise ValueError(f"{type(pooling).__name__} pooling has no attention weights")
    words, _ = as_batch(ids)
    scores = [
        pooling.scores(outputs, torch.tensor([outputs.shape[1]]))[0] for outputs in outputs_of(model, words, limit)
    ]
    return torch.cat(scores).softmax(0)


def outputs_of(model: TextClassifier, words: Tensor, limit: int) -> Iterator[Tensor]:
    """Yield the encoder's outputs (1, S, C) over a document's words (1, T), in order."""

    def embed(first: int, last: int) -> Tensor:
        vectors: Tensor = model.embedding(words[:, first:last])
        return vectors

    return model.reading.pieces(model.encoder, embed, words.shape[1], limit)


def as_batch(ids: npt.ArrayLike) -> tuple[Tensor, Tensor]:
    """Return a document's ids (1, T) and its length (1,)."""
    words = torch.from_numpy(np.asarray(ids, dtype=np.int64)).unsqueeze(0)
    return words, torch.tensor([words.shape[1]])
