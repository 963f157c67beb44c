"""Which words a prediction is based on."""

import numpy as np
import torch

from carousel.explanation import Explanation, Method, Word
from carousel.nn import streaming
from carousel.nn.pooling import Attention
from carousel.tasks.classification.predictor import BATCH_TOKENS, Classifier
from carousel.text.cut import cut
from carousel.text.vocabulary import UNKNOWN_ID

SPANS = 200  # that a text is divided into, at most, to be left out one after the other


def explain(classifier: Classifier, text: str) -> Explanation:
    """Explain a classifier's prediction for a text: by attention where the model has it, else by occlusion."""
    tokens = classifier.tokenizer.tokenize(text)
    read = cut(tokens, classifier.max_length, classifier.truncation)
    ids = np.array(classifier.ids(tokens), dtype=np.int64)  # one unknown word, if there are no tokens
    logits = classifier.logits([ids])[0].double().log_softmax(-1)
    prediction = int(logits.argmax())
    method: Method = "attention" if isinstance(classifier.network.pooling, Attention) else "occlusion"
    span = -(-len(ids) // SPANS)
    if method == "attention":
        span = 1
        with torch.inference_mode():
            scores = streaming.attention(classifier.network, ids, BATCH_TOKENS).tolist()
    else:
        scores = [float(logits[prediction]) - without for without in _without(classifier, ids, prediction, span)]
    words = zip(read, ids.tolist(), scores, strict=False)
    return Explanation(
        label=classifier.labels[prediction],
        method=method,
        words=tuple(Word(token, known=number != UNKNOWN_ID, score=score) for token, number, score in words),
        span=span,
        unread=len(tokens) - len(read),
    )


def _without(
    classifier: Classifier, ids: np.ndarray[tuple[int], np.dtype[np.int64]], prediction: int, span: int
) -> list[float]:
    """Return for each word the prediction's log-probability where it, with its span, is read as unknown."""
    found: list[float] = []
    starts = range(0, len(ids), span)
    together = max(1, BATCH_TOKENS // len(ids))
    for first in range(0, len(starts), together):
        changed = [ids.copy() for _ in starts[first : first + together]]
        for document, start in zip(changed, starts[first : first + together], strict=True):
            document[start : start + span] = UNKNOWN_ID
        for row in classifier.logits(changed).double().log_softmax(-1)[:, prediction].tolist():
            found += [row] * span
    return found[: len(ids)]
