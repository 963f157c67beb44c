import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.batch import pad
from carousel.text.vocabulary import UNKNOWN_ID
from tests.nn.conftest import WORDS, classifier

documents = st.lists(st.lists(st.integers(UNKNOWN_ID, WORDS - 1), min_size=1, max_size=9), min_size=1, max_size=6)


def by_the_book(model, document):
    """The formula of the class's docstring, n-gram by n-gram."""
    logits, square = [0.0] * 3, 0.0
    for size in (1, 2):
        grams = [tuple(document[i : i + size]) for i in range(len(document) - size + 1)]
        for gram in set(grams):
            row = int(model.ngrams.rows(torch.tensor([gram]))[size - 1][0, 0])
            if row == model.ngrams.none:
                continue
            frequency = 1 + math.log(grams.count(gram))
            square += frequency**2 * float(model.linear.words.squares[row])
            for label, weight in enumerate(model.linear.words.weights[row].tolist()):
                logits[label] += frequency * weight
    return [logit / math.sqrt(square) if square else 0.0 for logit in logits]


@given(document=st.lists(st.integers(UNKNOWN_ID, WORDS - 1), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_logits_are_those_of_the_formula(document):
    model = classifier(ngrams=2, ngram_weight=0.5)
    found = model.linear.words(model.ngrams.find(pad([document])[0]))[0]
    torch.testing.assert_close(found, torch.tensor(by_the_book(model, document)), rtol=1e-4, atol=1e-5)


@given(documents=documents, share=st.sampled_from([0.1, 0.5, 0.9]), characters=st.sampled_from([0, 3]))
@settings(max_examples=30, deadline=None)
def test_a_prediction_is_the_geometric_mean_of_both(documents, share, characters):
    model = classifier(ngrams=2, ngram_weight=share, characters=characters)
    alone = classifier(ngrams=2)
    batch = pad(documents)
    with torch.inference_mode():
        found, network = model(*batch).softmax(-1), alone(*batch).softmax(-1)
        linear = model.linear(batch[0], model.ngrams.find(batch[0])).softmax(-1)
    mean = network ** (1 - share) * linear**share
    torch.testing.assert_close(found, mean / mean.sum(-1, keepdim=True), rtol=1e-4, atol=1e-6)


def test_the_network_learns_without_it():
    model, alone = classifier(ngrams=2, ngram_weight=0.5).train(), classifier(ngrams=2).train()
    batch = pad([[2, 3, 4], [5, 6]])
    for each in (model, alone):
        torch.manual_seed(0)
        each(*batch).square().sum().backward()
    assert {name for name, _ in model.named_parameters()} == {name for name, _ in alone.named_parameters()}
    for (name, found), (_, expected) in zip(model.named_parameters(), alone.named_parameters(), strict=True):
        assert torch.equal(found.grad, expected.grad), name
