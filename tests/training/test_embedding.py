import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import Callback

from carousel.corpus.pretrained import Pretrained
from carousel.errors import UserError
from carousel.training import checkpoint
from carousel.training.fit import build
from tests.training.order_problem import TRAIN, VAL, VOCABULARY, WORDS, fitted, hparams, state
from tests.training.test_checkpoint import RANDOM, outcome, stopped_everywhere

WIDTH = hparams().model.embedding_size


def vectors(freeze_epochs=0, seed=0, width=WIDTH, count=WORDS):
    """Return vectors of deviation 0.5 for all words but the specials and each fifth."""
    found = np.random.default_rng(seed).normal(0, 0.5, (count, width)).astype(np.float32)
    found[[0, 1, *range(5, count, 5)]] = np.nan
    return Pretrained(found, freeze_epochs)


def untrained(pretrained, seed=0, count=WORDS):
    return build(hparams(seed=seed), vocabulary_size=count, classes=2, pretrained=pretrained)


def test_a_model_begins_with_the_vectors_and_others_of_the_same_deviation():
    given = vectors(count=2000)
    weight = untrained(given, count=2000).embedding.weight.detach().numpy()
    known = ~np.isnan(given.vectors).any(1)
    np.testing.assert_array_equal(weight[known], given.vectors[known])
    assert not weight[0].any()
    assert weight[~known][1:].std() == pytest.approx(0.5, rel=0.05)


def test_the_rest_of_the_model_is_as_without_vectors():
    one, other = untrained(vectors()).state_dict(), untrained(None).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one if name != "embedding.weight")


def test_another_width_is_one_line_that_says_which_number_to_set():
    with pytest.raises(UserError, match=r"model\.embedding_size is 8, .* 50 numbers: set model.embedding_size: 50"):
        fitted(pretrained=vectors(width=50))


@pytest.mark.parametrize("freeze_epochs", [0, 1, 2])
def test_words_stay_as_they_are_for_so_many_epochs(freeze_epochs):
    class Seen(Callback):
        def on_train_epoch_end(self, _trainer, module):
            weights.append(module.model.embedding.weight.detach().clone())

    weights = [untrained(vectors(freeze_epochs)).embedding.weight.detach()]
    fitted(hparams(epochs=3, patience=3), pretrained=vectors(freeze_epochs), callbacks=[Seen()])
    assert [torch.equal(weights[0], later) for later in weights[1:]] == [freeze_epochs > i for i in range(3)]


def test_a_frozen_training_that_stops_anywhere_goes_on_to_the_same_end(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)
    params, given = hparams(model=RANDOM, epochs=2, batch_tokens=400), vectors(freeze_epochs=1)
    expected = outcome(fitted(params, pretrained=given))
    assert stopped_everywhere(tmp_path, params, expected, pretrained=given) > 10


def test_a_checkpoint_belongs_to_its_vectors():
    names = [
        checkpoint.identity(hparams(), TRAIN, VAL, VOCABULARY, "fp32", given)
        for given in (None, vectors(), vectors(1), vectors(seed=1))
    ]
    assert len(set(names)) == 4


def test_a_training_without_vectors_is_what_it_was():
    assert state(fitted(pretrained=None)) == state(fitted())
