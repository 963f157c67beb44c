import pytest
import torch


@pytest.fixture
def threads():
    """Return torch.set_num_threads, whose effect ends with the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
