import pytest
import torch

from carousel.nn.ngrams import Ngrams


@pytest.fixture
def threads():
    """Return torch.set_num_threads, whose effect ends with the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def counted(ngrams: Ngrams, words: int = 20) -> None:
    """Let n-grams say something, each something else: as if random documents had been counted and learned from."""
    ids = torch.randint(0, words, (200, 12))
    ngrams.count(ids, torch.randint(0, len(ngrams.documents), (200,)))
    torch.nn.init.normal_(ngrams.embedding.weight)
