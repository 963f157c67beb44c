"""The recurrent text classifier: embedding, encoder, pooling, linear head."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from carousel.nn.pooling import POOLINGS
from carousel.nn.recurrent import RecurrentEncoder
from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID


@dataclass(frozen=True)
class ClassifierConfig:
    """What a `TextClassifier` is made of; saved with its weights.

    Attributes:
        vocabulary_size: rows of the embedding, specials included.
        classes: width of the logits.
        cell: a key of `nn.recurrent.CELLS`.
        embedding_size: width of a word vector.
        hidden_size: width of one direction's state.
        layers: recurrent layers.
        bidirectional: whether a second direction reads from the end.
        pooling: a key of `nn.pooling.POOLINGS`.
        dropout: probability, between layers and before the head.
        embedding_dropout: probability, on the features of word vectors.
        word_dropout: probability that a word is read as unknown.
    """

    vocabulary_size: int
    classes: int
    cell: str = "lstm"
    embedding_size: int = 128
    hidden_size: int = 128
    layers: int = 1
    bidirectional: bool = True
    pooling: str = "max_mean"
    dropout: float = 0.5
    embedding_dropout: float = 0.2
    word_dropout: float = 0.1


class TextClassifier(nn.Module):
    """Logits for padded documents; padding and the rest of the batch never reach a document's logits."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size, padding_idx=PADDING_ID)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.encoder = RecurrentEncoder(
            config.cell,
            config.embedding_size,
            config.hidden_size,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        self.pooling, widths = POOLINGS[config.pooling]
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.encoder.output_size * widths, config.classes)
        nn.init.normal_(self.embedding.weight, std=0.1)
        with torch.no_grad():
            self.embedding.weight[PADDING_ID].zero_()

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, classes).

        Args:
            ids: token ids (B, T), padded with `PADDING_ID`.
            lengths: (B,), each from 1 to T.
        """
        if self.training and self.config.word_dropout:
            dropped = torch.rand(ids.shape, device=ids.device) < self.config.word_dropout
            ids = ids.masked_fill(dropped & (ids != PADDING_ID), UNKNOWN_ID)
        vectors = self.embedding_dropout(self.embedding(ids))  # (B, T, embedding_size)
        outputs, final = self.encoder(vectors, lengths)  # (B, T, D * H), (B, D * H)
        pooled = self.pooling(outputs, final, lengths)  # (B, widths * D * H)
        logits: Tensor = self.head(self.dropout(pooled))  # (B, classes)
        return logits
