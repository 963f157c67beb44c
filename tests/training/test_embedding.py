import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import Callback

from carousel.corpus.pretrained import Pretrained
from carousel.errors import UserError
from carousel.nn.batch import pad
from carousel.nn.spelled import SpelledEmbedding
from carousel.tasks.classification.model import build
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.training import checkpoint
from tests.support.datasets import dataset, documents_of
from tests.support.networks import network_of
from tests.training.order_problem import LEARNER, VAL, WORDS, fitted, given, hparams, state
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
    pretrained = vectors(count=2000)
    weight = untrained(pretrained, count=2000).embedding.weight.detach().numpy()
    known = ~np.isnan(pretrained.vectors).any(1)
    np.testing.assert_array_equal(weight[known], pretrained.vectors[known])
    assert not weight[0].any()
    assert weight[~known][1:].std() == pytest.approx(0.5, rel=0.05)


def test_the_rest_of_the_model_is_as_without_vectors():
    one, other = untrained(vectors()).state_dict(), untrained(None).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one if name != "embedding.weight")


def test_another_width_is_one_line_that_says_which_number_to_set():
    with pytest.raises(UserError, match=r"model\.embedding_size is 8, .* 50 numbers: set model.embedding_size: 50"):
        fitted(data=given(pretrained=vectors(width=50)))


@pytest.mark.parametrize("freeze_epochs", [0, 1, 2])
def test_words_stay_as_they_are_for_so_many_epochs(freeze_epochs):
    class Seen(Callback):
        def on_train_epoch_end(self, _trainer, module):
            weights.append(network_of(module.model).embedding.weight.detach().clone())

    weights = [untrained(vectors(freeze_epochs)).embedding.weight.detach()]
    fitted(hparams(epochs=3, patience=3), given(pretrained=vectors(freeze_epochs)), callbacks=[Seen()])
    assert [torch.equal(weights[0], later) for later in weights[1:]] == [freeze_epochs > i for i in range(3)]


@pytest.mark.slow
def test_a_frozen_training_that_stops_anywhere_goes_on_to_the_same_end(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "CHECKPOINT_TIME_FRACTION", 1e9)
    params, data = hparams(model=RANDOM, epochs=2, batch_tokens=400), given(pretrained=vectors(freeze_epochs=1))
    assert stopped_everywhere(tmp_path, params, outcome(fitted(params, data)), data) > 10


def test_a_checkpoint_belongs_to_its_vectors():
    names = [
        checkpoint.identity(hparams(), given(pretrained=pretrained), "fp32")
        for pretrained in (None, vectors(), vectors(1), vectors(seed=1))
    ]
    assert len(set(names)) == 4


# Words that are spelled alike

SPELLED = Vocabulary((*SPECIALS, "reading", "reader", "reads", "writing", "writer", "writes", *"abcd"))


def spelled(pretrained=None):
    """Return a model whose words share their spelling, and its embedding without that."""
    data = given(vocabulary=SPELLED, pretrained=pretrained)
    model = LEARNER(hparams(spelling=True), data, quiet=True).model
    assert isinstance(network_of(model).embedding, SpelledEmbedding)
    return model, network_of(LEARNER(hparams(spelling=False), data, quiet=True).model).embedding


def test_words_share_their_pieces_and_specials_none():
    model, before = spelled()
    assert torch.equal(network_of(model).embedding.weight, before.weight)
    shared = network_of(model).embedding(torch.arange(len(SPELLED))) - before.weight
    assert not shared[: len(SPECIALS)].any()
    assert shared[2:8].any(1).all()
    alike = torch.nn.functional.cosine_similarity(shared[2:8, None], shared[None, 2:8], dim=-1)
    assert alike[0, 1:3].min() > alike[0, 4:].max()  # reading is like reader, and not like writer


def test_pretrained_vectors_stay_what_they_are_until_spelling_is_learned():
    model, before = spelled(vectors(count=len(SPELLED)))
    assert torch.equal(network_of(model).embedding(torch.arange(len(SPELLED))), before.weight)


def test_nothing_is_learned_of_spelling_while_vectors_are_frozen():
    pretrained = vectors(freeze_epochs=2)
    found = fitted(hparams(epochs=2, spelling=True), given(vocabulary=SPELLED, pretrained=pretrained))
    assert torch.equal(network_of(found.model).embedding.weight, network_of(untrained(pretrained)).embedding.weight)


def test_what_was_learned_is_folded_into_an_ordinary_embedding():
    found, without = (fitted(hparams(spelling=spelling), given(vocabulary=SPELLED)) for spelling in (True, False))
    assert state(found).keys() == state(without).keys()
    assert type(network_of(found.model).embedding) is torch.nn.Embedding
    assert state(found) != state(without)
    with torch.inference_mode():
        logits = found.model(*pad(documents_of(VAL)))
    right = (logits.argmax(-1) == torch.from_numpy(VAL.scalars["targets"])).float().mean()
    assert right == found.best["val_accuracy"]  # of the words as they were when they were learned


@pytest.mark.slow
def test_a_training_with_spelling_that_stops_anywhere_goes_on_to_the_same_end(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "CHECKPOINT_TIME_FRACTION", 1e9)
    params = hparams(model=RANDOM, epochs=2, batch_tokens=800, spelling=True)
    data = given(vocabulary=SPELLED)
    assert stopped_everywhere(tmp_path, params, outcome(fitted(params, data)), data) > 8


def test_words_that_share_nothing_learn_each_alone():
    assert state(fitted(hparams(spelling=True))) == state(fitted(hparams(spelling=False)))


def test_a_word_that_was_never_seen_is_known_by_those_that_are_spelled_like_it():
    """`reading` and its relatives mean one label, `writing` and its relatives the other; two are new."""
    random, ids, targets = np.random.default_rng(0), [], np.arange(200) % 2
    for target in targets:
        noise = random.integers(8, len(SPELLED), 4)
        noise[random.integers(4)] = random.choice([3, 4]) if target == 0 else random.choice([6, 7])
        ids.append(noise)
    train = dataset(ids, targets)
    reading, writing = SPELLED.ids["reading"], SPELLED.ids["writing"]
    new = dataset([[reading, 8, 9], [writing, 8, 9]], [0, 1])
    params = hparams(epochs=4, patience=4, spelling=True)
    found = fitted(params, given(train, new, SPELLED))
    assert found.history[-1]["val_accuracy"] == 1.0
    assert found.history[-1]["val_loss"] < 0.5
