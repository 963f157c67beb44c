import pytest

from carousel.bundle.bundle import Bundle
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.nn.conftest import classifier

WORDS = ("the", "cat", "sat", "on", "mat", ".", "ça", "日本", "\r", "a\u2028b")
LABELS = ("animal", "Möbel", "その他")


def make(
    words=WORDS, labels=LABELS, *, seed=0, tokenizer="basic_english", max_length=12, truncation="head", **shape
):
    """Return a small bundle with random weights."""
    vocabulary = Vocabulary((*SPECIALS, *words))
    model = classifier(words=len(vocabulary), classes=len(labels), seed=seed, **shape)
    return Bundle(model, TOKENIZERS[tokenizer], vocabulary, tuple(labels), max_length, truncation)


@pytest.fixture(scope="session")
def make_bundle():
    return make


@pytest.fixture
def bundle():
    return make()


@pytest.fixture
def saved(bundle, tmp_path):
    """The folder of a saved bundle."""
    bundle.save(tmp_path / "bundle")
    return tmp_path / "bundle"
