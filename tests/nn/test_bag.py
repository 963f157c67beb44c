import torch

from carousel.nn.batch import pad
from tests.nn.tiny_problems import classifier, keyword, learned


def test_with_mean_pooling_it_is_the_averaged_embedding():
    model = classifier(encoder="bag", pooling="mean")
    ids, lengths = pad([[2, 3, 3], [4]])
    means = torch.stack([model.embedding.weight[row].mean(0) for row in ([2, 3, 3], [4])])
    torch.testing.assert_close(model(ids, lengths), model.head(means))


def test_the_order_of_words_changes_nothing_but_the_last():
    for pooling, same in (("mean", True), ("max", True), ("last", False)):
        model = classifier(encoder="bag", pooling=pooling)
        one, other = (model(*pad([document])) for document in ([2, 3, 4, 5], [5, 4, 3, 2]))
        assert torch.allclose(one, other, atol=1e-6) is same


def test_it_learns_a_keyword_among_many_words():
    _, accuracy = learned(keyword, count=16, steps=40, tested=32, encoder="bag", pooling="max")
    assert accuracy > 0.95
