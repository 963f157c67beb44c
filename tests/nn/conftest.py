import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from carousel.nn.cells import CELLS
from carousel.nn.characters import BOUNDARY_ID, spell
from carousel.nn.encoders import ENCODERS
from carousel.nn.ngram_counts import NgramCounts
from carousel.nn.ngram_ensemble import NgramEnsemble
from carousel.nn.ngrams import Ngrams
from carousel.nn.pooling import POOLINGS
from carousel.nn.reading import READINGS
from carousel.text.vocabulary import SPECIALS, UNKNOWN_ID
from tests.support import networks

WORDS = 20

# Settings of `classifier`: networks of all kinds
shapes = st.fixed_dictionaries(
    {
        "encoder": st.sampled_from(list(ENCODERS)),
        "cell": st.sampled_from(["lstm", "gru", "rnn", *CELLS]),
        "layers": st.integers(1, 3),
        "bidirectional": st.booleans(),
        "pooling": st.sampled_from(list(POOLINGS)),
        "ngrams": st.integers(0, 3),
        "ngram_weight": st.sampled_from([0.0, 0.5]),
        "characters": st.sampled_from([0, 4]),
        "reading": st.sampled_from(list(READINGS)),
        "chunk": st.integers(3, 9),
        "overlap": st.integers(0, 2),
    }
).filter(lambda shape: shape["encoder"] == "recurrent" or shape["reading"] != "stateful")


@pytest.fixture
def threads():
    """Return torch.set_num_threads, whose effect ends with the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def distinct(document, size):
    """The n-grams of a document, by the book."""
    found = {tuple(document[i : i + size]) for i in range(len(document) - size + 1)}
    return {gram for gram in found if UNKNOWN_ID not in gram}


def ngram_counts(documents, targets, *, words, longest, classes=3, least=1):
    """Count lists of ids."""
    return NgramCounts.of(
        np.array([word for document in documents for word in document], dtype=np.int64),
        np.cumsum([0, *map(len, documents)]),
        np.array(targets, dtype=np.int64),
        classes=classes,
        vocabulary_size=words,
        longest=longest,
        least=least,
    )


def speaking_ngrams(longest, words, classes=3):
    """Return n-grams that each say something else: as if random documents had been counted and learned from."""
    random = np.random.default_rng(0)
    documents, targets = random.integers(0, words, (200, 12)).tolist(), random.integers(0, classes, 200)
    counts = ngram_counts(documents, targets, words=words, longest=longest, classes=classes)
    ngrams = Ngrams(longest, counts.rows, classes, words)
    ngrams.begin(counts)
    torch.nn.init.normal_(ngrams.embedding.weight)
    return ngrams


def spelled_words(words, longest):
    """Return the spelling of words of one to three letters, and a table of n-grams of what random ones spell."""
    random = np.random.default_rng(1)
    tokens = [*SPECIALS, *("".join(random.choice(list("abc"), 1 + i % 3)) + str(i) for i in range(words - 2))]
    spelling, alphabet = spell(tokens)
    ids = random.integers(0, words, (200, 12))
    documents = [spelling[document][spelling[document] != 0].tolist() for document in ids]
    counts = NgramCounts.of(
        np.concatenate(documents).astype(np.int64),
        np.cumsum([0, *map(len, documents)]),
        np.zeros(200, dtype=np.int64),
        classes=3,
        vocabulary_size=alphabet,
        longest=longest,
        boundary=BOUNDARY_ID,
    )
    return spelling, alphabet, counts


def classifier(*, words=WORDS, classes=3, seed=0, **settings):
    """Return a small one with random weights, whose n-grams say something if it has any."""
    torch.manual_seed(seed)
    settings = {"dropout": 0.5, "embedding_dropout": 0.2, "word_dropout": 0.1, **settings}
    if longest := settings.get("ngrams"):
        ngrams = speaking_ngrams(longest, words, classes)
        settings["ngram_rows"] = ngrams.none
    if longest := settings.get("characters"):
        spelling, alphabet, counts = spelled_words(words, longest)
        settings |= {"character_rows": counts.rows, "alphabet": alphabet, "token_characters": spelling.shape[1]}
    model = networks.classifier(words, classes, embedding_size=8, hidden_size=8, **settings)
    if not isinstance(model, NgramEnsemble):
        return model.eval()
    model.ngrams.load_state_dict(ngrams.state_dict())
    if model.linear is not None:
        random = np.random.default_rng(0)
        model.linear.bias.copy_(torch.from_numpy(random.normal(size=classes)))
        begin(model.linear.words, random)
        if model.linear.characters is not None:
            model.linear.spelling.begin(spelling)
            model.linear.table.begin(counts)
            begin(model.linear.characters, random)
    return model.eval()


def begin(linear, random):
    """Give a linear classifier random weights."""
    rows, classes = linear.weights.shape
    linear.begin(random.normal(size=(rows - 1, classes)), 1 + random.random(rows - 1))
