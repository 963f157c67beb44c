"""Which words a prediction is based on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from carousel.bundle.bundle import BATCH_TOKENS, Bundle
from carousel.nn import streaming
from carousel.nn.pooling import Attention
from carousel.text.cut import cut
from carousel.text.vocabulary import UNKNOWN_ID

Method = Literal["attention", "occlusion"]
SPANS = 200  # that a text is divided into, at most, to be left out one after the other


@dataclass(frozen=True)
class Word:
    """One token of a text.

    Attributes:
        token: as the tokenizer gives it.
        known: whether the vocabulary has it; all words that it has not are the same to a model.
        score: what it did, in the explanation's own measure.
    """

    token: str
    known: bool
    score: float


@dataclass(frozen=True)
class Explanation:
    """What each word of a text did to the prediction.

    Attributes:
        label: the prediction.
        method: attention: the word's weight in the pooled document; weights sum to 1, and say where the model
            looked, not what that spoke for. occlusion: by how much the logarithm of the prediction's probability
            falls when the word is read as unknown (Li et al. 2016, "Understanding neural networks through
            representation erasure", equation 1); below 0, the word speaks against the prediction.
        words: those that the model read.
        span: so many neighbouring words were left out together and share a score.
        unread: tokens of the text that were cut.
    """

    label: str
    method: Method
    words: tuple[Word, ...]
    span: int = 1
    unread: int = 0


def explain(bundle: Bundle, text: str) -> Explanation:
    """Explain a bundle's prediction to a text: by attention where the model has it, else by occlusion."""
    tokens = bundle.tokenizer.tokenize(text)
    read = cut(tokens, bundle.max_length, bundle.truncation)
    ids = np.array(bundle.ids(tokens), dtype=np.int64)  # one unknown word, if there are no tokens
    logits = bundle.logits([ids])[0].double().log_softmax(-1)
    prediction = int(logits.argmax())
    method: Method = "attention" if isinstance(bundle.model.pooling, Attention) else "occlusion"
    span = -(-len(ids) // SPANS)
    if method == "attention":
        span = 1
        with torch.inference_mode():
            scores = streaming.attention(bundle.model, ids, BATCH_TOKENS).tolist()
    else:
        scores = [float(logits[prediction]) - without for without in _without(bundle, ids, prediction, span)]
    words = zip(read, ids.tolist(), scores, strict=False)
    return Explanation(
        label=bundle.labels[prediction],
        method=method,
        words=tuple(Word(token, known=number != UNKNOWN_ID, score=score) for token, number, score in words),
        span=span,
        unread=len(tokens) - len(read),
    )


def _without(
    bundle: Bundle, ids: np.ndarray[tuple[int], np.dtype[np.int64]], prediction: int, span: int
) -> list[float]:
    """Return for each word the prediction's log-probability where it, with its span, is read as unknown."""
    found: list[float] = []
    starts = range(0, len(ids), span)
    together = max(1, BATCH_TOKENS // len(ids))
    for first in range(0, len(starts), together):
        changed = [ids.copy() for _ in starts[first : first + together]]
        for document, start in zip(changed, starts[first : first + together], strict=True):
            document[start : start + span] = UNKNOWN_ID
        for row in bundle.logits(changed).double().log_softmax(-1)[:, prediction].tolist():
            found += [row] * span
    return found[: len(ids)]
