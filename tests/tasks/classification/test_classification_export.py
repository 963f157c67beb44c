"""Exported classifiers predict what their bundles do, whatever they are made of."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carousel.nn.batch import pad
from carousel.nn.cells import CELLS
from carousel.nn.encoders import ENCODERS
from carousel.nn.pooling import POOLINGS
from carousel.nn.reading import READINGS
from carousel.runtime.program import Program
from carousel.tasks.classification.export import build
from carousel.tasks.classification.predictor import Classifier
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from tests.nn.conftest import WORDS, classifier, shapes
from tests.support import networks

CLASSES = 3

batches = st.lists(st.lists(st.integers(1, WORDS - 1), min_size=1, max_size=40), min_size=1, max_size=5)


def exported(model, *, int8=False):
    words = model.config.vocabulary_size - len(SPECIALS)
    vocabulary = Vocabulary((*SPECIALS, *(f"w{i}" for i in range(words))))
    named = Classifier(model, TOKENIZERS["split"], vocabulary, tuple(map(str, range(CLASSES))), 100)
    return Program(
        build(named, int8=int8, step=False, strings=False).model("test").SerializeToString(), Path("test.onnx")
    )


def logits(session, documents):
    ids, lengths = (tensor.numpy() for tensor in pad(documents))
    return session.run(ids=ids, lengths=lengths)[0]


def expected(model, documents):
    with torch.inference_mode():
        return model(*pad(documents)).numpy()


@given(shape=shapes, documents=batches)
@settings(max_examples=40, deadline=None)
def test_an_exported_classifier_has_the_logits_of_its_model(shape, documents):
    model = classifier(**shape).eval()
    session = exported(model)
    together = logits(session, documents)
    np.testing.assert_allclose(together, expected(model, documents), rtol=0, atol=1e-5)
    for document, found in zip(documents, together, strict=True):
        np.testing.assert_allclose(logits(session, [document])[0], found, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("encoder", "cell", "reading"),
    [
        *product(["recurrent"], CELLS, READINGS),
        *product([name for name in ENCODERS if name != "recurrent"], ["lstm"], ["full", "chunked"]),
    ],
)
def test_every_encoder_cell_and_reading_can_be_exported(encoder, cell, reading):
    model = classifier(encoder=encoder, cell=cell, reading=reading, chunk=4, overlap=1, layers=2).eval()
    documents = [[2], [1, 3, 2, 5, 4, 3, 2, 2, 3], [4, 4, 5, 1]]
    found = logits(exported(model), documents)
    np.testing.assert_allclose(found, expected(model, documents), rtol=0, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("int8", [False, True])
def test_every_pooling_can_be_exported(pooling, int8):
    torch.manual_seed(0)
    model = networks.classifier(200, CLASSES, pooling=pooling, hidden_size=32, embedding_size=64).eval()
    documents = [[2], [1, 3, 2, 5, 4, 3, 2, 2, 3], [4, 4, 5, 1]]
    found = logits(exported(model, int8=int8), documents)
    difference = np.abs(found - expected(model, documents)).max()
    assert (1e-5 < difference < 2e-2) if int8 else difference < 1e-5
