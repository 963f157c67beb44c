import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from carousel.nn.affixes import FEATURES, LOWERCASE
from carousel.nn.crf import CRF, Allowed
from carousel.nn.tagger import Scores, Tagger, TaggerConfig
from carousel.text.vocabulary import PADDING_ID, UNKNOWN_ID

TAGS, INTENTS, WORDS, ROWS = 5, 3, 20, 50

all_lengths = st.lists(st.integers(1, 6), min_size=1, max_size=4)
seeds = st.integers(0, 2**31)
few = settings(max_examples=20, deadline=None)


def tagger(*, seed=0, counts=None, **changes):
    """Return a small tagger whose CRF prefers some transitions."""
    torch.manual_seed(seed)
    config = {"intents": INTENTS, "feature_rows": ROWS, "embedding_size": 6, "feature_size": 5, "hidden_size": 4}
    model = Tagger(TaggerConfig(WORDS, TAGS, **config | changes), counts)
    if model.config.crf:
        for parameter in model.crf.parameters():
            torch.nn.init.normal_(parameter)
    return model.eval()


def sentences(lengths, extra=0, seed=0):
    """Return ids, features and lengths; features at padding are arbitrary."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.tensor(lengths)
    shape = (len(lengths), int(lengths.max()) + extra)
    ids = torch.randint(UNKNOWN_ID, WORDS, shape, generator=random)
    ids[torch.arange(shape[1]) >= lengths.unsqueeze(1)] = PADDING_ID
    return ids, torch.randint(ROWS, (*shape, TaggerConfig.features), generator=random), lengths


def scored(model, lengths, **arguments):
    ids, features, lengths = sentences(lengths, **arguments)
    return model(ids, features, lengths), lengths


@few
@given(all_lengths, st.integers(0, 2), st.booleans())
def test_a_sentence_alone_equals_itself_in_a_batch(lengths, extra, crf):
    model = tagger(crf=crf)
    ids, features, lengths = sentences(lengths, extra)
    together = model(ids, features, lengths)
    marginals, decoded = model.marginals(together, lengths), model.decode(together, lengths)
    for row, length in enumerate(lengths.tolist()):
        own = torch.tensor([length])
        alone = model(ids[row : row + 1, :length], features[row : row + 1, :length], own)
        torch.testing.assert_close(alone.emissions[0], together.emissions[row, :length])
        torch.testing.assert_close(alone.intents[0], together.intents[row])
        torch.testing.assert_close(model.marginals(alone, own)[0], marginals[row, :length])
        assert torch.equal(model.decode(alone, own).tags[0], decoded.tags[row, :length])
        assert model.decode(alone, own).intents[0] == decoded.intents[row]


def test_features_at_padding_do_not_matter():
    model, (ids, features, lengths) = tagger(), sentences([2, 5], extra=1)
    tags, intents = torch.randint(TAGS, ids.shape), torch.randint(INTENTS, (2,))
    before = model.losses(model(ids, features, lengths), lengths, tags, intents)
    features[ids == PADDING_ID] = 7
    tags[ids == PADDING_ID] = 1
    assert torch.equal(model.losses(model(ids, features, lengths), lengths, tags, intents), before)


@few
@given(all_lengths, seeds)
def test_the_loss_is_that_of_the_crf_plus_cross_entropy(lengths, seed):
    model = tagger()
    scores, lengths = scored(model, lengths, seed=seed)
    tags, intents = torch.randint(TAGS, scores.emissions.shape[:2]), torch.randint(INTENTS, lengths.shape)
    crf = CRF(TAGS)
    crf.load_state_dict(model.crf.state_dict())
    expected = cross_entropy(scores.intents, intents, reduction="none")
    expected = expected - crf.log_likelihood(scores.emissions, lengths, tags)
    torch.testing.assert_close(model.losses(scores, lengths, tags, intents), expected)


@few
@given(all_lengths, seeds)
def test_without_a_crf_each_word_has_a_softmax(lengths, seed):
    model = tagger(crf=False, intents=0)
    scores, lengths = scored(model, lengths, seed=seed)
    tags = torch.randint(TAGS, scores.emissions.shape[:2])
    inside = torch.arange(tags.shape[1]) < lengths.unsqueeze(1)
    each = cross_entropy(scores.emissions.transpose(1, 2), tags, reduction="none")  # (B, T)
    torch.testing.assert_close(model.losses(scores, lengths, tags), (each * inside).sum(1))
    marginals = model.marginals(scores, lengths)
    torch.testing.assert_close(marginals, scores.emissions.softmax(2) * inside.unsqueeze(2))
    assert torch.equal(model.decode(scores, lengths).tags, scores.emissions.argmax(2) * inside)


@pytest.mark.parametrize("crf", [True, False])
def test_every_trained_parameter_gets_a_gradient(crf):
    model = tagger(crf=crf).train()
    scores, lengths = scored(model, [3, 6, 1])
    tags, intents = torch.randint(TAGS, (3, 6)), torch.randint(INTENTS, (3,))
    model.losses(scores, lengths, tags, intents).sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.any(), name
    assert crf == all(parameter.requires_grad for parameter in model.parameters())


@few
@given(all_lengths, seeds)
def test_decoding_obeys_the_masks(lengths, seed):
    model = tagger()
    scores, lengths = scored(model, lengths, seed=seed)
    transitions = torch.rand(TAGS, TAGS) < 0.5
    transitions[:, 0], transitions[0] = True, True  # so that every length has a sequence
    allowed = Allowed(transitions, torch.arange(TAGS) < 3, torch.arange(TAGS) < 2)
    tags = model.decode(scores, lengths, allowed).tags
    for path, length in zip(tags.tolist(), lengths.tolist(), strict=True):
        assert allowed.start[path[0]]
        assert allowed.end[path[length - 1]]
        assert all(transitions[pair] for pair in itertools.pairwise(path[:length]))


def test_dropout_is_for_training():
    model = tagger()
    ids, features, lengths = sentences([4, 6])
    assert torch.equal(model(ids, features, lengths).emissions, model(ids, features, lengths).emissions)
    model.train()
    assert not torch.equal(model(ids, features, lengths).emissions, model(ids, features, lengths).emissions)


NO_DROPOUT = {"dropout": 0.0, "embedding_dropout": 0.0, "feature_dropout": 0.0}


def test_a_dropped_word_is_an_unknown_word():
    model, (ids, features, lengths) = tagger(counts=torch.zeros(WORDS), **NO_DROPOUT), sentences([4, 6])
    dropped = model.train()(ids, features, lengths).emissions
    unknown = model.eval()(ids.clamp(max=UNKNOWN_ID), features, lengths).emissions
    torch.testing.assert_close(dropped, unknown)


def test_an_unknown_word_has_affixes_but_no_lowercase_feature():
    model, (ids, features, lengths) = tagger(), sentences([4, 6])
    ids.clamp_(max=UNKNOWN_ID)
    before = model(ids, features, lengths).emissions
    for number in range(FEATURES):
        changed = features.clone()
        changed[0, 0, number] = (changed[0, 0, number] + 1) % ROWS
        assert torch.equal(model(ids, changed, lengths).emissions, before) == (number == LOWERCASE)


def test_rare_words_are_dropped_more_often():
    model = tagger(counts=torch.arange(WORDS), word_dropout=0.5)
    assert model.dropped[[PADDING_ID, UNKNOWN_ID]].tolist() == [0, 0]
    torch.testing.assert_close(model.dropped[2:5], torch.tensor([0.5 / 2.5, 0.5 / 3.5, 0.5 / 4.5]))
    assert "dropped" not in model.state_dict()


def test_without_counts_no_word_is_dropped():
    model, (ids, features, lengths) = tagger(word_dropout=10.0, **NO_DROPOUT), sentences([4, 6])
    assert torch.equal(
        model.train()(ids, features, lengths).emissions, model.eval()(ids, features, lengths).emissions
    )


def test_counts_are_of_the_vocabulary():
    with pytest.raises(ValueError, match=r"those of 20 words, not \(3,\)"):
        tagger(counts=torch.ones(3))


def test_without_an_intent_head_there_are_no_intents():
    model = tagger(intents=0)
    scores, lengths = scored(model, [2])
    assert scores.intents is None
    assert model.decode(scores, lengths).intents is None
    assert model.decode(Scores(scores.emissions, None), lengths).tags.shape == (1, 2)
