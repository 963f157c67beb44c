import numpy as np
import pytest
import torch
from torch import nn

from carousel.nn.spelled import SpelledEmbedding
from carousel.text.vocabulary import PADDING_ID

STARTS, PIECES, SHARES = [0, 0, 0, 2, 3, 6], [0, 2, 1, 0, 1, 3], [0.6, 0.8, 1.0, 0.5, 0.5, 0.7]


@pytest.fixture
def spelled():
    torch.manual_seed(0)
    own = nn.Embedding(5, 4, padding_idx=PADDING_ID)
    return SpelledEmbedding(own, np.array(STARTS), np.array(PIECES), np.array(SHARES), 4)


def shares(dtype):
    """Return how much of each word is which piece, (words, pieces), as the class's docstring means its lists."""
    found = torch.zeros(5, 4, dtype=dtype)
    for word in range(5):
        for at in range(STARTS[word], STARTS[word + 1]):
            found[word, PIECES[at]] += SHARES[at]
    return found


def test_a_words_vector_is_its_own_and_the_sum_of_its_pieces(spelled):
    expected = spelled.weight + shares(torch.float32) @ spelled.pieces.weight
    ids = torch.tensor([[4, 2, 0, 2], [3, 1, 1, 4]])
    torch.testing.assert_close(spelled(ids), expected[ids])
    torch.testing.assert_close(spelled(torch.tensor([1])), spelled.weight[1:2])  # no pieces at all


def test_folded_is_an_ordinary_embedding_of_the_same_vectors(spelled):
    folded = spelled.folded()
    assert type(folded) is nn.Embedding
    assert folded.weight.requires_grad
    assert folded.padding_idx == PADDING_ID
    ids = torch.tensor([[4, 2, 0], [3, 1, 2]])
    assert torch.equal(folded(ids), spelled(ids))
    assert set(folded.state_dict()) == {"weight"}


def test_words_learn_from_each_other_and_padding_learns_nothing(spelled):
    spelled(torch.tensor([[2, 0, 0]])).sum().backward()
    assert spelled.weight.grad.abs().sum(1).nonzero().flatten().tolist() == [2]
    assert spelled.pieces.weight.grad.abs().sum(1).nonzero().flatten().tolist() == [
        0,
        2,
    ]  # word 4 has the first, too


def test_gradients_are_those_of_the_formula(spelled):
    double = spelled.double()
    double.shares = torch.tensor(SHARES, dtype=torch.float64)
    ids = torch.tensor([[4, 2, 3, 2], [1, 4, 4, 0]])

    def vectors(own, pieces):
        return torch.func.functional_call(double, {"weight": own, "pieces.weight": pieces}, ids)

    own, pieces = double.weight.detach().clone(), double.pieces.weight.detach().clone()
    own[PADDING_ID] = 0
    values = [own.requires_grad_(), pieces.requires_grad_()]
    weights = torch.randn(*ids.shape, 4, dtype=torch.float64)
    found = torch.autograd.grad((vectors(*values) * weights).sum(), values)
    expected = torch.autograd.grad(((own + shares(torch.float64) @ pieces)[ids] * weights).sum(), values)
    expected[0][PADDING_ID] = 0  # which is never learned
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
