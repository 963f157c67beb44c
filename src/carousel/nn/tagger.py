"""The sequence tagger: words and their spelling, a recurrent encoder, a linear-chain CRF; an intent head beside it.

After Huang et al. (2015, "Bidirectional LSTM-CRF models for sequence tagging", section 2.5), with the spelling
features inside the network's input.

Shapes: B sentences, T time steps, F features of a word, K tags, I intents.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from torch import Tensor, nn

from carousel.nn import bounds
from carousel.nn.affixes import FEATURES, LOWERCASE
from carousel.nn.bounds import Bounds, Factor, Layers, Probability, Rows, Width
from carousel.nn.crf import CRF, Allowed
from carousel.nn.pooling import POOLINGS
from carousel.nn.recurrent import RecurrentEncoder
from carousel.text.vocabulary import PADDING_ID, SPECIALS, UNKNOWN_ID


@dataclass(frozen=True)
class TaggerConfig:
    """Settings of a `Tagger`; saved with its weights.

    Attributes:
        vocabulary_size: rows of the word embedding, specials included.
        tags: K.
        intents: I; 0 disables the intent head.
        features: F.
        feature_rows: rows of the table that `affixes.hashed` refers to.
        embedding_size: width of a word's vector.
        feature_size: width of the sum of its features' vectors.
        cell: a key of `nn.cells.CELLS`.
        hidden_size: width of one direction's state.
        layers: recurrent layers.
        bidirectional: whether a second direction reads from the end.
        pooling: a key of `nn.pooling.POOLINGS`, for the intent head.
        dropout: probability, between layers and before both heads.
        embedding_dropout: probability, on the encoder's input.
        word_dropout: α; a word that occurs n times in the training data is read as unknown with probability
            α / (α + n).
        feature_dropout: probability that a feature of a word is left out.
        crf: whether neighboring tags depend on each other; else each word has a softmax of its own.
    """

    vocabulary_size: Rows
    tags: Annotated[int, Bounds(1, 2**12)]
    intents: Annotated[int, Bounds(0, 2**14)] = 0
    features: Annotated[int, Bounds(1, 64)] = FEATURES
    feature_rows: Rows = 16384
    embedding_size: Width = 100
    feature_size: Width = 100
    cell: str = "lstm"
    hidden_size: Width = 128
    layers: Layers = 1
    bidirectional: bool = True
    pooling: str = "max_mean"
    dropout: Probability = 0.5
    embedding_dropout: Probability = 0.5
    word_dropout: Factor = 0.25
    feature_dropout: Probability = 0.2
    crf: bool = True

    def __post_init__(self) -> None:
        bounds.check(self)


class Scores(NamedTuple):
    """Result of a forward pass.

    Attributes:
        emissions: (B, T, K), any values at padding.
        intents: logits (B, I), or None without an intent head.
    """

    emissions: Tensor
    intents: Tensor | None


class Decoded(NamedTuple):
    """Predictions.

    Attributes:
        tags: (B, T), 0 at padding.
        intents: (B,), or None without an intent head.
    """

    tags: Tensor
    intents: Tensor | None


class Tagger(nn.Module):
    """Emission scores e of sentences, the CRF over them, and intent logits; padding never matters.

        x_t = [word(w_t); Σ_f feature(f(w_t))]
        h = encoder(x_1, ..., x_T)
        e_t = W h_t + b,  intents = V pooling(h) + c

    Without a CRF its parameters stay 0, so that p(y) is a product of softmaxes. Losses, marginals and constrained
    decoding are the same code then.

    Word dropout is that of Kiperwasser & Goldberg (2016, "Simple and accurate dependency parsing using
    bidirectional LSTM feature representations", section 4). It trains the vector of unknown words on rare ones. An
    unknown word has affixes and a shape, but no lowercase feature: that one's vector would be untrained.

    Args:
        config: settings.
        counts: occurrences of each word in the training data, (vocabulary_size,); without them no word is dropped.
    """

    dropped: Tensor  # (vocabulary_size,), probability that word dropout applies to a word

    def __init__(self, config: TaggerConfig, counts: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size, padding_idx=PADDING_ID)
        self.feature_embedding = nn.Embedding(config.feature_rows, config.feature_size)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.encoder = RecurrentEncoder(
            config.cell,
            config.embedding_size + config.feature_size,
            config.hidden_size,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.encoder.output_size, config.tags)
        self.crf = CRF(config.tags).requires_grad_(config.crf)
        self.intents = IntentHead(config, self.encoder.output_size) if config.intents else None
        self.register_buffer("dropped", _dropped(config, counts), persistent=False)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.normal_(self.feature_embedding.weight, std=0.1 * config.features**-0.5)  # 0.1 for the sum
        with torch.no_grad():
            self.embedding.weight[PADDING_ID].zero_()

    def forward(self, ids: Tensor, features: Tensor, lengths: Tensor) -> Scores:
        """Return emissions and intent logits.

        Args:
            ids: word ids (B, T), padded with `PADDING_ID`.
            features: of words (B, T, F), from 0 to feature_rows - 1, any at padding.
            lengths: (B,), each from 1 to T.
        """
        if self.training:
            dropped = torch.rand(ids.shape, device=ids.device) < self.dropped[ids]
            ids = ids.masked_fill(dropped, UNKNOWN_ID)
        spelling = self._spelling(features, known=ids != UNKNOWN_ID)
        vectors = torch.cat([self.embedding(ids), spelling], dim=-1)  # (B, T, embedding_size + feature_size)
        encoded = self.encoder(self.embedding_dropout(vectors), lengths)  # outputs (B, T, D * H)
        emissions = self.head(self.dropout(encoded.outputs))  # (B, T, K)
        if self.intents is None:
            return Scores(emissions, None)
        return Scores(emissions, self.intents(encoded.outputs, encoded.final, lengths))

    def losses(self, scores: Scores, lengths: Tensor, tags: Tensor, intents: Tensor | None = None) -> Tensor:
        """Return -log p(tags) - log p(intent) of each sentence, (B,).

        Args:
            scores: of the sentences.
            lengths: (B,).
            tags: (B, T), any values at padding.
            intents: (B,), or None without an intent head.
        """
        losses = -self.crf.log_likelihood(scores.emissions, lengths, tags)
        if scores.intents is None or intents is None:
            return losses
        return losses + nn.functional.cross_entropy(scores.intents, intents, reduction="none")

    def decode(self, scores: Scores, lengths: Tensor, allowed: Allowed | None = None) -> Decoded:
        """Return the best tags that `allowed` permits, and the best intents."""
        tags, _ = self.crf.decode(scores.emissions, lengths, allowed)
        return Decoded(tags, None if scores.intents is None else scores.intents.argmax(1))

    def marginals(self, scores: Scores, lengths: Tensor) -> Tensor:
        """Return p(y_t = k), (B, T, K), 0 at padding."""
        return self.crf.marginals(scores.emissions, lengths)

    def _spelling(self, features: Tensor, known: Tensor) -> Tensor:
        """Return the sums of features' vectors (B, T, feature_size).

        Args:
            features: (B, T, F).
            known: words (B, T) that have a lowercase feature.
        """
        weights = torch.ones(features.shape, device=features.device)
        weights = nn.functional.dropout(weights, self.config.feature_dropout, self.training)
        weights[..., LOWERCASE] *= known
        summed = nn.functional.embedding_bag(
            features.flatten(0, 1),
            self.feature_embedding.weight,
            mode="sum",
            per_sample_weights=weights.flatten(0, 1),
        )  # (B * T, feature_size)
        return summed.view(*features.shape[:2], -1)


class IntentHead(nn.Module):
    """Logits of a sentence's intent, of the encoder's pooled outputs.

    Args:
        config: of the tagger.
        size: features of an output.
    """

    def __init__(self, config: TaggerConfig, size: int) -> None:
        super().__init__()
        self.pooling = POOLINGS[config.pooling](size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(size * self.pooling.widths, config.intents)

    def forward(self, outputs: Tensor, final: Tensor, lengths: Tensor) -> Tensor:
        """Return logits (B, I); arguments as of a `Pooling`."""
        logits: Tensor = self.head(self.dropout(self.pooling(outputs, final, lengths)))
        return logits


def _dropped(config: TaggerConfig, counts: Tensor | None) -> Tensor:
    """Return the probability that a word is read as unknown, (vocabulary_size,); 0 for specials.

    Raises:
        ValueError: `counts` is of another size.
    """
    if counts is None or not config.word_dropout:
        return torch.zeros(config.vocabulary_size)
    if counts.shape != (config.vocabulary_size,):
        raise ValueError(f"counts must be those of {config.vocabulary_size} words, not {tuple(counts.shape)}")
    dropped = config.word_dropout / (config.word_dropout + counts.float())
    dropped[: len(SPECIALS)] = 0
    return dropped
