"""What a model has of its documents' n-grams before it is trained: their counts, and a linear model of its own."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

from carousel.corpus.encoded import Encoded
from carousel.nn.batch import by_length, pad
from carousel.nn.ngram_counts import NgramCounts
from carousel.nn.ngrams import Ngrams, log_ratios, root
from carousel.tasks.classification import balanced
from carousel.text.vocabulary import Vocabulary
from carousel.training.spelling import pieces

PENALTY = 3.0  # of squared weights; by validation on MR, TREC and IMDB
UNTOLD = 0.5  # δ below, of an n-gram of which counting tells nothing; cross-validation on four sets
BATCH_TOKENS = 65_536
STEPS, CLOSE = 100, 1e-6  # of the minimisation: at most, and the relative gain that ends it

Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=1)  # the trials of a sweep learn from the same documents
def counted(train: Encoded, vocabulary: Vocabulary, longest: int, least: int) -> NgramCounts:
    """Return the n-grams of the documents to learn from."""
    return NgramCounts.of(
        train.ids,
        train.offsets,
        train.targets,
        classes=len(train.labels),
        vocabulary_size=len(vocabulary),
        longest=longest,
        least=least,
    )


@lru_cache(maxsize=1)
def linear(
    train: Encoded, vocabulary: Vocabulary, longest: int, least: int, class_weights: str
) -> tuple[Floats, Floats]:
    """Return weights and bias of a linear model of the same n-grams, with labels as heavy as for the network."""
    counts, weights = counted(train, vocabulary, longest, least), np.ones(len(train))
    if class_weights == "balanced":
        weights = balanced(np.bincount(train.targets, minlength=len(train.labels))).numpy()[train.targets]
    return learn(counts, longest, train, vocabulary.tokens, weights)


def learn(
    counts: NgramCounts, longest: int, train: Encoded, tokens: Sequence[str], weights: Floats
) -> tuple[Floats, Floats]:
    """Return the weights u (rows + 1, classes) and bias b (classes,) of `nn.linear_ngrams`.

    They minimise the mean cross-entropy plus a penalty on parameters that n-grams share:

        u(g, c) = (δ + |r(g, c)|) idf(g) (θ(g, c) + Σ_p φ(g, p) θ(p, c))

    r(g, c) is naive Bayes' log-ratio (see `nn.ngrams`): what counting finds telling is learned sooner, as Wang &
    Manning (2012, "Baselines and bigrams", section 2.3) scale the features of a linear classifier.

    p are the pieces of the word g, runs of characters that at least one other word has too, weighed by TF-IDF and
    normalised (Bojanowski et al. 2017, "Enriching word vectors with subword information", make a word's vector of
    them). A longer n-gram has none. So a rare word is judged by those that are spelled like it; and since pieces
    are summed up here once, a prediction never looks at characters.

    Args:
        counts: the n-grams.
        longest: words of the longest.
        train: documents to learn from.
        tokens: the vocabulary's, by id.
        weights: of each document's loss, 1 on average, (documents,).
    """
    documents = _documents(counts, longest, train, len(tokens))  # (documents, rows)
    shared = _shared(counts, documents, tokens)  # (rows, parameters): u is telling * (shared @ θ)
    telling = _telling(counts)  # (rows, classes)
    classes = len(train.labels)
    parameters, labels = shared.shape[1], np.eye(classes)[train.targets]
    documents_t, shared_t = documents.T.tocsr(), shared.T.tocsr()

    def loss(values: Floats) -> tuple[float, Floats]:
        theta, bias = values[:-classes].reshape(parameters, classes), values[-classes:]
        logs = log_softmax(documents @ (telling * (shared @ theta)) + bias, axis=1)
        error = (np.exp(logs) - labels) * weights[:, None]
        value = -((labels * logs).sum(1) * weights).sum() + PENALTY / 2 * (theta**2).sum()
        gradient = shared_t @ (telling * (documents_t @ error)) + PENALTY * theta
        return float(value) / len(train), np.append(gradient, error.sum(0)) / len(train)

    with threadpool_limits(1, "blas"):  # or sums are rounded otherwise where there are more cores
        start = np.zeros((parameters + 1) * classes)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "ftol": CLOSE}).x
    learned = telling * (shared @ found[:-classes].reshape(parameters, classes))
    return np.append(learned, np.zeros((1, classes)), axis=0), found[-classes:]


def _documents(counts: NgramCounts, longest: int, train: Encoded, vocabulary_size: int) -> sparse.csr_array:
    """Return 1 / √m_k where a document has an n-gram of k words, (documents, rows)."""
    ngrams = Ngrams(longest, counts.rows, len(train.labels), vocabulary_size)
    ngrams.begin(counts)
    owners, columns, values = [], [], []
    for group in by_length(train.lengths, BATCH_TOKENS):
        ids, _ = pad([train.document(i) for i in group])
        for rows in ngrams.rows(ids):
            owner, place = (rows != ngrams.none).nonzero(as_tuple=True)
            owners.append(group[owner.numpy()])
            columns.append(rows[owner, place].numpy())
            values.append((1 / root(rows, ngrams.none))[owner, 0].double().numpy())
    cells = (np.concatenate(owners), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(values), cells), shape=(len(train), counts.rows))


def _telling(counts: NgramCounts) -> Floats:
    """Return δ + |r(g, c)|, (rows, classes)."""
    ratios: Floats = log_ratios(
        torch.from_numpy(counts.counts[:-1]).double(), torch.from_numpy(counts.documents).double()
    ).numpy()
    return UNTOLD + np.abs(ratios)


def _shared(counts: NgramCounts, documents: sparse.csr_array, tokens: Sequence[str]) -> sparse.csr_array:
    """Return how much of each parameter an n-gram's weight is, (rows, parameters): idf · [1 φ]."""
    having = documents.count_nonzero(axis=0)
    idf = np.log((1 + documents.shape[0]) / (1 + having)) + 1
    spelled = pieces(tuple(tokens[key] for key in counts.keys[:-1] if key < len(tokens))).copy()  # the first rows
    spelled.resize(counts.rows, spelled.shape[1])
    return (sparse.diags_array(idf) @ sparse.hstack([sparse.eye_array(counts.rows), spelled])).tocsr()
