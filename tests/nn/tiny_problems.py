"""Problems that show what a model can tell apart, small enough to be learned in a second or two."""

import numpy as np
import torch

from carousel.nn.batch import pad
from tests.support import networks

WORDS, A, B, NOISE = 12, 2, 3, 4  # ids from NOISE on mean nothing


def order(count, seed, places=None):
    """Documents that hold "a b" or "b a" among noise, at one of some places: a bag of words cannot tell which."""
    random = np.random.default_rng(seed)
    documents, targets = [], np.arange(count) % 2
    for target in targets:
        ids = random.integers(NOISE, WORDS, random.integers(4, 9))
        place = random.integers(len(ids) - 1)
        if places:
            ids, place = random.integers(NOISE, WORDS, 8), random.choice(places)
        ids[place : place + 2] = (B, A) if target else (A, B)
        documents.append(ids)
    return documents, torch.from_numpy(targets)


def negation(count, seed, distance=20):
    """Documents that end in good or bad (a, b), some of which began with a "not" that many words before."""
    random = np.random.default_rng(seed)
    documents, targets = [], []
    for number in range(count):
        good, negated = number % 2, number // 2 % 2
        ids = random.integers(NOISE + 1, WORDS, distance)
        ids[0] = NOISE if negated else NOISE + 1
        ids[-1] = A if good else B
        documents.append(ids)
        targets.append(good != negated)
    return documents, torch.tensor(targets).long()


def keyword(count, seed, words=2000):
    """Documents of so many words, of which the one in the middle tells the label."""
    random = np.random.default_rng(seed)
    documents, targets = [], np.arange(count) % 2
    for target in targets:
        ids = random.integers(NOISE, WORDS, words)
        ids[words // 2] = B if target else A
        documents.append(ids)
    return documents, torch.from_numpy(targets)


def classifier(**config):
    """Return an untrained model without any dropout, or n-grams, which know order on their own."""
    torch.manual_seed(0)
    small = {"embedding_size": 16, "hidden_size": 16, "heads": 2, "dropout": 0.0}
    plain = {"embedding_dropout": 0.0, "word_dropout": 0.0, "ngrams": 0}
    return networks.classifier(WORDS, 2, **{**small, **plain, **config})


def right(model, problem, count=128):
    """Return the share of a problem's documents, none of which `learned` shows a model, that it gets right."""
    documents, targets = problem(count, seed=0)
    with torch.inference_mode():
        found = model.eval()(*pad(documents)).argmax(-1) == targets
    return float(found.float().mean())


def learned(problem, *, count=64, steps=60, rate=0.03, tested=128, **config):
    """Return a model trained on a problem, and the share of other documents of it that the model gets right."""
    model = classifier(**config)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for step in range(1, steps + 1):
        documents, targets = problem(count, seed=step)
        ids, lengths = pad(documents)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(ids, lengths), targets)
        loss.backward()
        assert all(weights.grad is None or weights.grad.isfinite().all() for weights in model.parameters())
        optimizer.step()
    return model, right(model, problem, tested)
