"""The text classifier as it is before training: its n-grams counted, its linear classifier fitted."""

import time

import numpy as np
import torch
from torch import nn

from carousel.corpus.dataset import Dataset
from carousel.corpus.pretrained import Pretrained
from carousel.corpus.training_data import TrainingData
from carousel.nn.classifier import TextClassifier
from carousel.nn.config import ClassifierConfig
from carousel.nn.ngram_counts import NgramCounts
from carousel.nn.spelled import SpelledEmbedding
from carousel.params import replace
from carousel.tasks.classification import budget, ngram_weights
from carousel.tasks.classification.learner import ClassificationLearner
from carousel.tasks.classification.ngram_weights import SpelledCounts
from carousel.tasks.classification.params import Hparams, Model
from carousel.tasks.classification.predictor import LABELS, parse_labels
from carousel.tasks.classification.spelling import pieces
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.training import embedding


def labels_of(data: TrainingData) -> tuple[str, ...]:
    """Return the labels that targets index."""
    return parse_labels(data.parts[LABELS].decode("utf-8"))


def build(
    hparams: Hparams,
    *,
    vocabulary_size: int,
    classes: int,
    pretrained: Pretrained | None = None,
    counts: NgramCounts | None = None,
    spelled: SpelledCounts | None = None,
) -> TextClassifier:
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
    settings = {**hparams.model.model_dump(), "ngram_rows": counts.rows if counts else 0, "characters": 0}
    if spelled is not None:
        settings["characters"] = hparams.model.characters
        settings["character_rows"], settings["alphabet"] = spelled.counts.rows, spelled.alphabet
        settings["token_characters"] = spelled.spelling.shape[1]
    model = TextClassifier(ClassifierConfig(vocabulary_size, classes, **settings))
    if pretrained is not None:
        embedding.begin(model.embedding, pretrained)
    if model.ngrams is not None and counts is not None:
        model.ngrams.begin(counts)
    if spelled is not None and model.linear is not None and model.linear.spelling is not None:
        assert model.linear.table is not None
        model.linear.spelling.begin(spelled.spelling)
        model.linear.table.begin(spelled.counts)
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
    if hparams.model.ngram_weight == "auto":
        hparams = replace(hparams, {"model.ngram_weight": budget.ngram_weight(len(train))})
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
        shared = SpelledEmbedding(model.embedding, found.indptr, found.indices, found.data, found.shape[1])
        if data.pretrained is not None:
            nn.init.zeros_(shared.pieces.weight)  # what words share is learned, their vectors are known
        model.embedding = shared
    if model.linear is not None:
        began = time.perf_counter()
        ngram_weights.linear(*table, characters, hparams.train.class_weights).put_into(model.linear)
        if not quiet:
            rows = model.config.ngram_rows + model.config.character_rows
            print(f"linear classifier on {rows:,} n-grams: {time.perf_counter() - began:.0f} s", flush=True)
    return ClassificationLearner(model, hparams.train, np.bincount(train.scalars["targets"], minlength=classes))


def _characters(model: Model, train: Dataset, vocabulary: Vocabulary) -> int:
    """Return the length of the longest n-grams of characters that pay for these documents; 0 is none."""
    if not (model.ngrams and model.ngram_weight):
        return 0
    lengths = np.array([len(token) for token in vocabulary.tokens])
    return model.characters if budget.has_characters(int(lengths[train.sequences["ids"].values].sum())) else 0
