"""The n-grams of a document of any length in bounded memory, beside the network's `streaming`."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from carousel.nn import streaming
from carousel.nn.linear_ngrams import LinearNgrams
from carousel.nn.ngram_ensemble import LinearModel, NgramEnsemble
from carousel.nn.ngrams import Found, Ngrams, NgramTable, root
from carousel.text.vocabulary import PADDING_ID


def logits(model: NgramEnsemble, ids: npt.ArrayLike, limit: int) -> Tensor:
    """Return one document's logits (1, classes): those that the model gives for it at once, to 1e-5.

    Args:
        model: in evaluation mode.
        ids: of the document's words, one at least.
        limit: words that are computed at once, as for `streaming.logits`.
    """
    words, _ = streaming.as_batch(ids)
    found = _find(model.ngrams, words, limit)
    joint = streaming.logits(model.network, ids, limit)
    joint = joint + (model.ngrams.scale[:, None, None] * _said(model.ngrams, found, limit)).sum(0)
    if model.linear is None:
        return joint
    return torch.lerp(joint, _of_linear_model(model.linear, words, found, limit), model.ngram_config.weight)


def _of_linear_model(model: LinearModel, words: Tensor, found: list[Found], limit: int) -> Tensor:
    """Return the logits (1, classes) of the linear model of words and characters."""
    logits = model.bias + _linear(model.words, found, limit)
    if model.characters is None:
        return logits
    assert model.spelling is not None
    assert model.table is not None
    spelled = torch.cat([model.spelling(piece) for piece in torch.split(words, limit, 1)], 1)
    # Padding between pieces would part n-grams that are one
    characters = _find(model.table, spelled[spelled != PADDING_ID].unsqueeze(0), limit)
    return logits + _linear(model.characters, characters, limit)


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
