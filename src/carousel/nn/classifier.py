"""The text classifier: embedding, encoder, pooling, linear head."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from carousel.nn.encoders import ENCODERS
from carousel.nn.pooling import POOLINGS
from carousel.nn.reading import READINGS
from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID


@dataclass(frozen=True)
class ClassifierConfig:
    """What a `TextClassifier` is made of; saved with its weights.

    A default is what a bundle means that was saved before its setting existed, so defaults here never change;
    recommended values are in params.yaml.

    Attributes:
        vocabulary_size: rows of the embedding, specials included.
        classes: width of the logits.
        cell: a key of `nn.cells.CELLS`.
        embedding_size: width of a word vector.
        hidden_size: width of one direction's state; of a convolutional encoder, filters of each width.
        layers: recurrent or transformer layers.
        bidirectional: whether a second direction reads from the end.
        pooling: a key of `nn.pooling.POOLINGS`.
        dropout: probability, between layers and before the head.
        embedding_dropout: probability, on the features of word vectors.
        word_dropout: probability that a word is read as unknown.
        bigram_buckets: rows of a second embedding, averaged over a document's hashed pairs of neighbouring words
            and put beside the pooled states (Joulin et al. 2017, "Bag of Tricks"); 0 has none.
        orthogonal: begin with orthogonal recurrent weights (see `nn.initialisation`).
        xavier: begin with Xavier input weights.
        forget_bias: begin with this bias of forget gates; 0 keeps torch's own.
        spectral_radius: of an echo state network's reservoir.
        encoder: a key of `nn.encoders.ENCODERS`.
        heads: of a transformer's attention.
        reading: a key of `nn.reading.READINGS`.
        chunk: words that are read together, where a reading has chunks.
        overlap: words that two neighbouring chunks share.
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
    bigram_buckets: int = 0
    orthogonal: bool = True
    xavier: bool = True
    forget_bias: float = 1.0
    spectral_radius: float = 0.9
    encoder: str = "recurrent"
    heads: int = 4
    reading: str = "whole"
    chunk: int = 256
    overlap: int = 32


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
        features = self.encoder.output_size * self.pooling.widths
        self.bigrams: HashedBigrams | None = None
        if config.bigram_buckets:
            self.bigrams = HashedBigrams(config.bigram_buckets, config.embedding_size)
            features += config.embedding_size
        self.head = nn.Linear(features, config.classes)
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
        encoded = self.reading.read(self.encoder, vectors, lengths)
        pooled = self.pooling(encoded.outputs, encoded.final, lengths)  # (B, widths * D * H)
        if self.bigrams is not None:
            pooled = torch.cat([pooled, self.bigrams(ids, lengths)], dim=-1)
        logits: Tensor = self.head(self.dropout(pooled))  # (B, classes)
        return logits


class HashedBigrams(nn.Module):
    """The mean embedding of a document's pairs of neighbouring words, each hashed to one of `buckets` rows.

    Args:
        buckets: rows of the embedding; pairs that meet in a row share it.
        size: width of a row.
    """

    def __init__(self, buckets: int, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(buckets, size)
        nn.init.zeros_(self.embedding.weight)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, size); zero for a document of one word.

        Args:
            ids: token ids (B, T).
            lengths: (B,).
        """
        pairs = (ids[:, :-1] * 1_000_003 + ids[:, 1:]) % self.embedding.num_embeddings  # (B, T - 1)
        inside = torch.arange(pairs.shape[1], device=ids.device) < lengths.unsqueeze(1) - 1  # (B, T - 1)
        vectors = self.embedding(pairs) * inside.unsqueeze(-1)  # (B, T - 1, size)
        mean: Tensor = vectors.sum(1) / (lengths - 1).clamp(min=1).unsqueeze(1)
        return mean
