"""The text classifier as it is before training: its n-grams counted, its linear classifier fitted."""

import dataclasses
import time

import numpy as np
import torch
from torch import nn

from carousel.corpus.dataset import Dataset
from carousel.corpus.pretrained import Pretrained
from carousel.corpus.training_data import TrainingData
from carousel.nn.classifier import TextClassifier
from carousel.nn.config import ClassifierConfig, EncoderConfig, NgramConfig, ReadingConfig
from carousel.nn.ngram_counts import NgramCounts
from carousel.nn.ngram_ensemble import NgramEnsemble
from carousel.nn.spelled import SpelledEmbedding
from carousel.tasks.classification import budget, labels, ngram_weights
from carousel.tasks.classification.learner import ClassificationLearner, Network, network_of
from carousel.tasks.classification.ngram_weights import SpelledCounts
from carousel.tasks.classification.params import Hparams, Model
from carousel.tasks.classification.spelling import pieces
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.training import embedding


def labels_of(data: TrainingData) -> tuple[str, ...]:
    """Return the labels that targets index."""
    return labels.from_text(data.parts[labels.PART].decode("utf-8"))


def build(
    hparams: Hparams,
    *,
    vocabulary_size: int,
    classes: int,
    pretrained: Pretrained | None = None,
    counts: NgramCounts | None = None,
    spelled: SpelledCounts | None = None,
) -> Network:
    """Return an untrained model; its weights are a function of `train.seed`, and of the vectors it begins with.

    Args:
        hparams: of the model, and the seed.
        vocabulary_size: rows of the embedding.
        classes: width of the logits.
        pretrained: word vectors to begin with, or none.
        counts: of the documents' n-grams; without them n-grams have no effect.
        spelled: their n-grams of characters; without them the model has none.
    """
    torch.manual_seed(hparams.train.seed)
    chosen = hparams.model
    config = ClassifierConfig(
        vocabulary_size,
        classes,
        embedding_size=chosen.embedding_size,
        encoder=EncoderConfig(
            chosen.encoder,
            chosen.cell,
            chosen.hidden_size,
            chosen.layers,
            chosen.bidirectional,
            chosen.dropout,
            chosen.orthogonal,
            chosen.xavier,
            chosen.forget_bias,
            chosen.spectral_radius,
            chosen.heads,
        ),
        reading=ReadingConfig(chosen.reading, chosen.chunk, chosen.overlap),
        pooling=chosen.pooling,
        dropout=chosen.dropout,
        embedding_dropout=chosen.embedding_dropout,
        word_dropout=chosen.word_dropout,
    )
    model: Network
    if not chosen.ngrams:
        model = network = TextClassifier(config)
    else:
        rows = counts.rows if counts else 0
        documents = int(counts.documents.sum()) if counts else 0
        weight = budget.ngram_weight(documents) if chosen.ngram_weight == "auto" else chosen.ngram_weight
        ngrams = NgramConfig(chosen.ngrams, rows, weight)
        if spelled is not None:
            ngrams = dataclasses.replace(
                ngrams,
                characters=chosen.characters,
                character_rows=spelled.counts.rows,
                token_characters=spelled.spelling.shape[1],
                alphabet=spelled.alphabet,
            )
        model = NgramEnsemble(config, ngrams)
        network = model.network
        if counts is not None:
            model.ngrams.begin(counts)
        if spelled is not None and model.linear is not None and model.linear.spelling is not None:
            assert model.linear.table is not None
            model.linear.spelling.begin(spelled.spelling)
            model.linear.table.begin(spelled.counts)
    network.reset_embedding()
    if pretrained is not None:
        embedding.begin(network.embedding, pretrained)
    return model


def learner(hparams: Hparams, data: TrainingData, *, quiet: bool = False) -> ClassificationLearner:
    """Return a classifier that is about to be trained, with its n-grams counted and their weights fitted.

    Args:
        hparams: of model and training.
        data: what it will learn from.
        quiet: print nothing.

    Raises:
        UserError: when the pretrained vectors are of another width than the model's.
    """
    train, vocabulary, classes = data.train, data.vocabulary, len(labels_of(data))
    ngrams, characters = hparams.model.ngrams, _characters(hparams.model, train, vocabulary)
    table = (train, vocabulary, classes, ngrams, hparams.model.ngram_min_df)
    model = build(
        hparams,
        vocabulary_size=len(vocabulary),
        classes=classes,
        pretrained=data.pretrained,
        counts=ngram_weights.counted(*table) if ngrams else None,
        spelled=ngram_weights.spelled(train, vocabulary, classes, characters) if characters else None,
    )
    if hparams.train.spelling:
        found = pieces((*[""] * len(SPECIALS), *vocabulary.tokens[len(SPECIALS) :]))
        network = network_of(model)
        shared = SpelledEmbedding(network.embedding, found.indptr, found.indices, found.data, found.shape[1])
        if data.pretrained is not None:
            nn.init.zeros_(shared.pieces.weight)  # what words share is learned, their vectors are known
        network.embedding = shared
    if isinstance(model, NgramEnsemble) and model.linear is not None:
        began = time.perf_counter()
        ngram_weights.linear(*table, characters, hparams.train.class_weights).put_into(model.linear)
        if not quiet:
            rows = model.ngram_config.rows + model.ngram_config.character_rows
            print(f"linear classifier on {rows:,} n-grams: {time.perf_counter() - began:.0f} s", flush=True)
    return ClassificationLearner(model, hparams.train, np.bincount(train.scalars["targets"], minlength=classes))


def _characters(model: Model, train: Dataset, vocabulary: Vocabulary) -> int:
    """Return the length of the longest n-grams of characters that pay for these documents; 0 is none."""
    if not (model.ngrams and model.ngram_weight):
        return 0
    lengths = np.array([len(token) for token in vocabulary.tokens])
    return model.characters if budget.has_characters(int(lengths[train.sequences["ids"].values].sum())) else 0
