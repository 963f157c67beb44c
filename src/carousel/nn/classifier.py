"""The text classifier: embedding, encoder, pooling, linear head; n-grams beside them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from carousel.nn.characters import Characters
from carousel.nn.encoders import ENCODERS
from carousel.nn.linear_ngrams import LinearNgrams
from carousel.nn.ngrams import Found, Ngrams, NgramTable
from carousel.nn.pooling import POOLINGS
from carousel.nn.reading import READINGS
from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID


@dataclass(frozen=True)
class ClassifierConfig:
    """What a `TextClassifier` is made of; saved with its weights. Recommended values are in params.yaml.

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
        ngrams: words of the longest n-grams that are counted beside the network (see `nn.ngrams`); 0 has none.
        ngram_min_df: documents that an n-gram has to stand in to be counted.
        ngram_rows: n-grams that were counted; not a hyperparameter, but as many as the training documents have.
        ngram_weight: weight of a linear classifier of these n-grams (see `nn.linear_ngrams`) in the averaged
            logits; 0 disables it.
        characters: longest n-grams of characters that the linear classifier has beside those of words; 0: none.
        character_rows: as `ngram_rows`, of characters; so are the next two.
        token_characters: of the longest token.
        alphabet: how many characters there are.
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
    ngrams: int = 0
    ngram_min_df: int = 1
    ngram_rows: int = 0
    ngram_weight: float = 0.0
    characters: int = 0
    character_rows: int = 0
    token_characters: int = 0
    alphabet: int = 0
    orthogonal: bool = True
    xavier: bool = True
    forget_bias: float = 1.0
    spectral_radius: float = 0.9
    encoder: str = "recurrent"
    heads: int = 4
    reading: str = "full"
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
