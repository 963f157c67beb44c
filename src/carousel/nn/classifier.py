"""The text classifier: embedding, encoder, pooling, linear head."""

import torch
from torch import Tensor, nn

from carousel.nn.config import ClassifierConfig
from carousel.nn.encoders import encoder
from carousel.nn.pooling import POOLINGS
from carousel.nn.reading import READINGS
from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID


class TextClassifier(nn.Module):
    """Logits for padded documents; padding and the rest of the batch never reach a document's logits."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size, padding_idx=PADDING_ID)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.encoder = encoder(config.encoder, config.embedding_size)
        self.reading = READINGS[config.reading.name](config.reading.chunk, config.reading.overlap)
        self.pooling = POOLINGS[config.pooling](self.encoder.output_size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.encoder.output_size * self.pooling.widths, config.classes)

    @torch.no_grad()
    def reset_embedding(self) -> None:
        """Draw the word vectors of a new model, with a smaller deviation than torch's; that of padding is zero."""
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.embedding.weight[PADDING_ID].zero_()

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, classes).

        Args:
            ids: token ids (B, T), padded with `PADDING_ID`.
            lengths: (B,), each from 1 to T.
        """
        return self.read(self.dropped(ids), lengths)

    def read(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, classes); no word is dropped."""
        vectors = self.embedding_dropout(self.embedding(ids))  # (B, T, embedding_size)
        encoded = self.reading.read(self.encoder, vectors, lengths)
        pooled = self.pooling(encoded.outputs, encoded.final, lengths)  # (B, widths * D * H)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits

    def dropped(self, ids: Tensor) -> Tensor:
        """Return the ids (B, T) that are read: in training, some words as unknown."""
        if not (self.training and self.config.word_dropout):
            return ids
        dropped = torch.rand(ids.shape, device=ids.device) < self.config.word_dropout
        return ids.masked_fill(dropped & (ids != PADDING_ID), UNKNOWN_ID)
