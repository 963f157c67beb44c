"""What a model knows of its documents' n-grams before it is trained: their counts, and a linear classifier."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from carousel.corpus.dataset import Dataset
from carousel.nn.batch import pad
from carousel.nn.characters import BOUNDARY_ID, Characters, spell
from carousel.nn.ngram_counts import NgramCounts
from carousel.nn.ngram_ensemble import LinearModel
from carousel.nn.ngrams import NgramTable
from carousel.tasks.classification.learner import balanced
from carousel.text.batch import by_length
from carousel.text.vocabulary import PADDING_ID, Vocabulary

if TYPE_CHECKING:
    from scipy import sparse

STRENGTH = 1.0  # C: inverse of the penalty on squared weights
TOLERANCE = 0.01  # of the solver; 1e-4, scikit-learn's default, is three times as slow for the same accuracy
FOLDS = 3  # of the cross-validation that finds the scale of logits
SCALES = (0.1, 50.0)
RARE = 1e-3  # documents that a label without any counts for
CHARACTER_DOCUMENTS = 2  # that an n-gram of characters must occur in
BATCH_TOKENS = 65_536

Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=1)  # the trials of a sweep learn from the same documents
def counted(train: Dataset, vocabulary: Vocabulary, classes: int, longest: int, least: int) -> NgramCounts:
    """Return the n-grams of the documents to learn from."""
    return NgramCounts.of(
        train.first.values,
        train.first.offsets,
        train.scalars["targets"],
        classes=classes,
        vocabulary_size=len(vocabulary),
        longest=longest,
        least=least,
    )


@dataclass(frozen=True, eq=False)  # arrays cannot be compared as one
class SpelledCounts:
    """The n-grams of characters of the documents to learn from.

    Attributes:
        spelling: characters of each token, (tokens, longest).
        alphabet: how many characters there are.
        counts: of the n-grams.
    """

    spelling: npt.NDArray[np.int32]
    alphabet: int
    counts: NgramCounts


@lru_cache(maxsize=1)
def spelled(train: Dataset, vocabulary: Vocabulary, classes: int, longest: int) -> SpelledCounts:
    """Return the n-grams of characters, within words, of the documents to learn from."""
    spelling, alphabet = spell(vocabulary.tokens)
    characters = spelling[train.first.values]  # (tokens, longest)
    real = characters != PADDING_ID
    ends = real.sum(1).cumsum()
    offsets = np.append(0, ends)[train.first.offsets]
    counts = NgramCounts.of(
        characters[real],
        offsets,
        train.scalars["targets"],
        classes=classes,
        vocabulary_size=alphabet,
        longest=longest,
        least=CHARACTER_DOCUMENTS,
        boundary=BOUNDARY_ID,
    )
    return SpelledCounts(spelling, alphabet, counts)


@dataclass(frozen=True, eq=False)
class Block:
    """Learned weights of one table's n-grams.

    Attributes:
        weights: θ, (rows, classes).
        idf: log((1 + n) / (1 + documents that have the n-gram)) + 1, (rows,).
    """

    weights: Floats
    idf: Floats


@dataclass(frozen=True, eq=False)
class LinearWeights:
    """A linear classifier of TF-IDF vectors of n-grams.

    Attributes:
        words: its weights for n-grams of tokens.
        characters: for n-grams of characters, if it has any.
        bias: (classes,).
    """

    words: Block
    characters: Block | None
    bias: Floats

    @torch.no_grad()
    def put_into(self, model: LinearModel) -> None:
        """Copy the weights into a model that has tables of the same n-grams."""
        model.bias.copy_(torch.from_numpy(self.bias))
        model.words.begin(self.words.weights, self.words.idf)
        if self.characters is not None:
            assert model.characters is not None
            model.characters.begin(self.characters.weights, self.characters.idf)


@lru_cache(maxsize=1)
def linear(
    train: Dataset,
    vocabulary: Vocabulary,
    classes: int,
    longest: int,
    least: int,
    characters: int,
    class_weights: str,
) -> LinearWeights:
    """Fit a linear support vector machine, with labels as heavy as for the network; its scores are logits.

    Args:
        train: documents to learn from.
        vocabulary: of their ids.
        classes: number of labels.
        longest: tokens of the longest n-grams.
        least: documents that an n-gram must occur in.
        characters: characters of the longest n-grams within words; 0 has none.
        class_weights: none or balanced.
    """
    from scipy import sparse

    features = [
        _Features(counted(train, vocabulary, classes, longest, least), longest, len(vocabulary), None, train)
    ]
    if characters:
        found = spelled(train, vocabulary, classes, characters)
        features.append(_Features(found.counts, characters, found.alphabet, found.spelling, train))
    targets = train.scalars["targets"]
    labels = np.unique(targets)
    weights = np.ones(len(train))
    if class_weights == "balanced":
        weights = balanced(np.bincount(targets, minlength=classes)).numpy()[targets]
    matrix = sparse.hstack([block.matrix for block in features], format="csr")
    if len(labels) > 1 and matrix.shape[1]:
        coefficients, bias = _fit(matrix, targets, weights, classes)
        scale = _scale(matrix, targets, weights, classes)
    else:  # the labels' own fractions
        coefficients, scale = np.zeros((classes, matrix.shape[1])), 1.0
        counted_labels = np.bincount(targets, weights, classes)
        bias = np.log(np.maximum(counted_labels, RARE) / weights.sum())
    parts = np.split(scale * coefficients.T, [features[0].matrix.shape[1]])
    blocks = [Block(part, block.idf) for part, block in zip(parts, features, strict=False)]
    return LinearWeights(blocks[0], blocks[1] if characters else None, scale * bias)


def _fit(
    matrix: "sparse.csr_matrix", targets: npt.NDArray[np.int64], weights: Floats, classes: int
) -> tuple[Floats, Floats]:
    """Return weights (classes, features) and bias (classes,) of a linear support vector machine, one-vs-rest.

    A label without documents gets the margin of documents of other labels, -1.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # close enough to predict with, and it is tested
        fitted = LinearSVC(C=STRENGTH, tol=TOLERANCE, dual=True, random_state=0).fit(matrix, targets, weights)
    coefficients, bias = np.zeros((classes, matrix.shape[1])), np.full(classes, -1.0)
    binary = len(fitted.classes_) == 2  # scikit-learn keeps the second label's weights alone
    coefficients[fitted.classes_] = np.concatenate([-fitted.coef_, fitted.coef_]) if binary else fitted.coef_
    bias[fitted.classes_] = np.append(-fitted.intercept_, fitted.intercept_) if binary else fitted.intercept_
    return coefficients, bias


def _scale(matrix: "sparse.csr_matrix", targets: npt.NDArray[np.int64], weights: Floats, classes: int) -> float:
    """Return the factor that makes margins logits: it minimizes the cross-entropy of documents held out in turn.

    Guo et al. 2017, "On calibration of modern neural networks", section 4.2, call its inverse the temperature.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    folds = np.random.default_rng(0).permutation(len(targets)) % FOLDS
    margins = np.zeros((len(targets), classes))
    for fold in range(FOLDS):
        held_out = folds == fold
        if len(np.unique(targets[~held_out])) < 2:
            return 1.0
        coefficients, bias = _fit(matrix[~held_out], targets[~held_out], weights[~held_out], classes)
        margins[held_out] = matrix[held_out] @ coefficients.T + bias

    def cross_entropy(scale: float) -> float:
        return float(-(log_softmax(scale * margins, axis=1)[np.arange(len(targets)), targets] * weights).sum())

    return float(minimize_scalar(cross_entropy, bounds=SCALES, method="bounded").x)


class _Features:
    """TF-IDF of documents over one table of n-grams; rows have length 1."""

    def __init__(
        self,
        counts: NgramCounts,
        longest: int,
        vocabulary_size: int,
        spelling: npt.NDArray[np.int32] | None,
        train: Dataset,
    ) -> None:
        from scipy import sparse

        table = NgramTable(longest, counts.rows, vocabulary_size)
        table.begin(counts)
        characters = None
        if spelling is not None:
            characters = Characters(*spelling.shape)
            characters.begin(spelling)
        owners, columns, times = [], [], []
        for group in by_length(train.lengths, BATCH_TOKENS):
            ids, _ = pad([train.first[i] for i in group])
            for found in table.find(ids if characters is None else characters(ids)):
                owner, place = (found.rows != table.none).nonzero(as_tuple=True)
                owners.append(group[owner.numpy()])
                columns.append(found.rows[owner, place].numpy())
                times.append(found.times[owner, place].numpy())
        cells = (np.concatenate(owners), np.concatenate(columns))
        having = np.bincount(cells[1], minlength=counts.rows)
        self.idf: Floats = np.log((1 + len(train)) / (1 + having)) + 1
        values = (1 + np.log(np.concatenate(times))) * self.idf[cells[1]]
        lengths = np.sqrt(np.bincount(cells[0], values**2, len(train)))
        # liblinear wants indices of 32 bits
        cells32 = (cells[0].astype(np.int32), cells[1].astype(np.int32))
        self.matrix = sparse.csr_matrix((values / lengths[cells[0]], cells32), shape=(len(train), counts.rows))
