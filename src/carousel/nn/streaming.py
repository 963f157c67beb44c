"""A document of any length in bounded memory: encoded, pooled and forgotten piece by piece."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from carousel.nn.classifier import TextClassifier
from carousel.nn.linear_ngrams import LinearNgrams
from carousel.nn.ngrams import Found, Ngrams, NgramTable, root
from carousel.nn.pooling import Attention
from carousel.text.vocabulary import PADDING_ID


def logits(model: TextClassifier, ids: npt.ArrayLike, limit: int) -> Tensor:
    """Return one document's logits (1, classes): those that the model gives for it at once, to 1e-5.

    Args:
        model: in evaluation mode. A transformer that reads in one go computes all of a document at once, and a
            chunk is never divided; everything else keeps to the limit.
        ids: of the document's words, one at least.
        limit: words that are computed at once.
    """
    words, lengths = _words(ids)
    pooling, part, first, last = model.pooling, None, None, None
    for outputs in outputs_of(model, words, limit):
        own = pooling.part(outputs, torch.tensor([outputs.shape[1]]))
        part = own if part is None else pooling.merged(part, own)
        first, last = outputs[:, 0] if first is None else first, outputs[:, -1]
    assert part is not None
    assert first is not None
    assert last is not None
    features = pooling.finished(part, model.encoder.final(first, last), lengths)
    found: Tensor = model.head(features)
    if model.ngrams is None:
        return found
    ngrams = _find(model.ngrams, words, limit)
    found = found + (model.ngrams.scale[:, None, None] * _said(model.ngrams, ngrams, limit)).sum(0)
    if model.linear is None:
        return found
    linear = model.linear.bias + _linear(model.linear.words, ngrams, limit)
    if model.linear.characters is not None:
        assert model.linear.spelling is not None
        assert model.linear.table is not None
        spelled = torch.cat([model.linear.spelling(piece) for piece in torch.split(words, limit, 1)], 1)
        # Padding between pieces would part n-grams that are one
        characters = _find(model.linear.table, spelled[spelled != PADDING_ID].unsqueeze(0), limit)
        linear = linear + _linear(model.linear.characters, characters, limit)
    return torch.lerp(found, linear, model.config.ngram_weight)


def attention(model: TextClassifier, ids: npt.ArrayLike, limit: int) -> Tensor:
    """Return the weight (words,) that attention pooling gives to each word of a document; they sum to 1."""
    pooling = model.pooling
    if not isinstance(pooling, Attention):
        raise ValueError(f"{type(pooling).__name__} pooling has no attention weights")
    words, _ = _words(ids)
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


def _words(ids: npt.ArrayLike) -> tuple[Tensor, Tensor]:
    words = torch.from_numpy(np.asarray(ids, dtype=np.int64)).unsqueeze(0)
    return words, torch.tensor([words.shape[1]])


def _find(ngrams: NgramTable, words: Tensor, limit: int) -> list[Found]:
    """Return the document's distinct n-grams of each length, (1, G), of those that start in each piece."""
    length, overlap = words.shape[1], ngrams.longest - 1
    pieces = [ngrams.rows(words[:, first : first + limit + overlap]) for first in range(0, length, limit)]
    found = []
    for each in zip(*pieces, strict=True):
        rows, times = np.unique(torch.cat([piece[:, :limit] for piece in each], dim=1), return_counts=True)
        found.append(Found(torch.from_numpy(rows).unsqueeze(0), torch.from_numpy(times).unsqueeze(0)))
    return found


def _said(ngrams: Ngrams, found: list[Found], limit: int) -> Tensor:
    """Return what the n-grams of each length say, over √m, (lengths, 1, classes)."""

    def said(rows: Tensor) -> Tensor:
        return torch.stack([ngrams.said(piece) for piece in torch.split(rows, limit, 1)]).sum(0)

    return torch.stack([said(rows) / root(rows, ngrams.none) for rows, _ in found])


def _linear(linear: LinearNgrams, found: list[Found], limit: int) -> Tensor:
    """Return the logits (1, classes) of a linear classifier of n-grams of all lengths."""
    pieces = [zip(*(torch.split(part, limit, 1) for part in each), strict=True) for each in found]
    sums = [linear.sums(Found(*piece)) for each in pieces for piece in each]
    weights, squares = zip(*sums, strict=True)
    return linear.normalized(torch.stack(weights).sum(0), torch.stack(squares).sum(0))
