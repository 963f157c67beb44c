"""A text classifier with n-grams beside its network: what is added in training, and averaged in prediction."""

import torch
from torch import Tensor, nn

from carousel.nn.characters import Characters
from carousel.nn.classifier import TextClassifier
from carousel.nn.config import ClassifierConfig, NgramConfig
from carousel.nn.linear_ngrams import LinearNgrams
from carousel.nn.ngrams import Found, Ngrams, NgramTable


class NgramEnsemble(nn.Module):
    """Logits of a network and of the n-grams of a document's words and characters.

        in training:    network(d) + ngrams(d)
        in prediction:  (1 - w) (network(d) + ngrams(d)) + w linear(d)

    The n-grams' naive Bayes is learned jointly with the network, the linear model apart from both.
    """

    def __init__(self, config: ClassifierConfig, ngrams: NgramConfig) -> None:
        super().__init__()
        self.config = config
        self.ngram_config = ngrams
        self.network = TextClassifier(config)
        self.ngrams = Ngrams(ngrams.longest, ngrams.rows, config.classes, config.vocabulary_size)
        self.linear = LinearModel(config, ngrams) if ngrams.weight else None

    def check(self) -> None:
        """Check tables that were loaded.

        Raises:
            ValueError: when they are not tables of n-grams.
        """
        self.ngrams.check()
        if self.linear is not None and self.linear.table is not None and self.linear.spelling is not None:
            self.linear.table.check()
            self.linear.spelling.check(self.ngram_config.alphabet)

    def forward(self, ids: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return logits (B, classes).

        Args:
            ids: token ids (B, T), padded with `PADDING_ID`.
            lengths: (B,), each from 1 to T.
            targets: labels (B,) of documents that are learned from; n-grams leave a document's own out.
        """
        ids = self.network.dropped(ids)
        found = self.ngrams.find(ids)
        logits: Tensor = self.network.read(ids, lengths) + self.ngrams(found, targets)
        if self.linear is None or self.training:
            return logits
        return torch.lerp(logits, self.linear(ids, found), self.ngram_config.weight)


class LinearModel(nn.Module):
    """A linear classifier of the n-grams of a document's words and of its characters."""

    bias: Tensor  # (classes,)

    def __init__(self, config: ClassifierConfig, ngrams: NgramConfig) -> None:
        super().__init__()
        self.register_buffer("bias", torch.zeros(config.classes))
        self.words = LinearNgrams(ngrams.rows, config.classes)
        self.spelling, self.table, self.characters = None, None, None
        if ngrams.characters:
            self.spelling = Characters(config.vocabulary_size, ngrams.token_characters)
            self.table = NgramTable(ngrams.characters, ngrams.character_rows, ngrams.alphabet)
            self.characters = LinearNgrams(ngrams.character_rows, config.classes)

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
