"""The text classifier: embedding, encoder, pooling, linear head; n-grams beside them."""

import torch
from torch import Tensor, nn

from carousel.nn.characters import Characters
from carousel.nn.config import ClassifierConfig
from carousel.nn.encoders import ENCODERS
from carousel.nn.linear_ngrams import LinearNgrams
from carousel.nn.ngrams import Found, Ngrams, NgramTable
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
        self.encoder = ENCODERS[config.encoder](config)
        self.reading = READINGS[config.reading](config.chunk, config.overlap)
        self.pooling = POOLINGS[config.pooling](self.encoder.output_size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.encoder.output_size * self.pooling.widths, config.classes)
        self.ngrams = (
            Ngrams(config.ngrams, config.ngram_rows, config.classes, config.vocabulary_size)
            if config.ngrams
            else None
        )
        self.linear = LinearModel(config) if config.ngrams and config.ngram_weight else None
        nn.init.normal_(self.embedding.weight, std=0.1)
        with torch.no_grad():
            self.embedding.weight[PADDING_ID].zero_()

    def forward(self, ids: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return logits (B, classes); in training, the network's own and its n-grams', without the linear model's.

        Args:
            ids: token ids (B, T), padded with `PADDING_ID`.
            lengths: (B,), each from 1 to T.
            targets: labels (B,) of documents that are learned from; n-grams leave a document's own out.
        """
        if self.training and self.config.word_dropout:
            dropped = torch.rand(ids.shape, device=ids.device) < self.config.word_dropout
            ids = ids.masked_fill(dropped & (ids != PADDING_ID), UNKNOWN_ID)
        vectors = self.embedding_dropout(self.embedding(ids))  # (B, T, embedding_size)
        encoded = self.reading.read(self.encoder, vectors, lengths)
        pooled = self.pooling(encoded.outputs, encoded.final, lengths)  # (B, widths * D * H)
        logits: Tensor = self.head(self.dropout(pooled))  # (B, classes)
        if self.ngrams is None:
            return logits
        found = self.ngrams.find(ids)
        logits = logits + self.ngrams(found, targets)
        if self.linear is None or self.training:
            return logits
        return torch.lerp(logits, self.linear(ids, found), self.config.ngram_weight)


class LinearModel(nn.Module):
    """A linear classifier of the n-grams of a document's words and of its characters."""

    bias: Tensor  # (classes,)

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.register_buffer("bias", torch.zeros(config.classes))
        self.words = LinearNgrams(config.ngram_rows, config.classes)
        self.spelling, self.table, self.characters = None, None, None
        if config.characters:
            self.spelling = Characters(config.vocabulary_size, config.token_characters)
            self.table = NgramTable(config.characters, config.character_rows, config.alphabet)
            self.characters = LinearNgrams(config.character_rows, config.classes)

    def forward(self, ids: Tensor, found: list[Found]) -> Tensor:
        """Return logits (B, classes).

        Args:
            ids: token ids (B, T).
            found: what `NgramTable.find` returns for them.
        """
        logits: Tensor = self.bias + self.words(found)
        if self.characters is None:
            return logits
        assert self.spelling is not None
        assert self.table is not None
        spelled: Tensor = self.characters(self.table.find(self.spelling(ids)))
        return logits + spelled
