"""Which tokens of a text a prediction is based on."""

from dataclasses import dataclass
from typing import Literal

Method = Literal["attention", "occlusion"]


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
