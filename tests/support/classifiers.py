"""Small classifiers with random weights."""

from carousel.tasks.classification.predictor import Classifier
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.nn.conftest import classifier

WORDS = ("the", "cat", "sat", "on", "mat", ".", "ça", "日本", "\r", "a\u2028b")
LABELS = ("animal", "Möbel", "その他")


def make(
    words=WORDS, labels=LABELS, *, seed=0, tokenizer="basic_english", max_length=12, truncation="head", **shape
):
    """Return a classifier that knows these words and labels."""
    vocabulary = Vocabulary((*SPECIALS, *words))
    model = classifier(words=len(vocabulary), classes=len(labels), seed=seed, **shape)
    return Classifier(model, TOKENIZERS[tokenizer], vocabulary, tuple(labels), max_length, truncation)


def make_bundle(*arguments, **options):
    """Return the bundle of such a classifier."""
    return make(*arguments, **options).to_bundle()
