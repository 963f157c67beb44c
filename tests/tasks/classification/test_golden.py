"""Digests of what the data stages make of a small file: they change only if a change of the data is meant."""

import csv
import hashlib
import random

import numpy as np
import pytest

from carousel.corpus.training_data import VOCABULARY
from carousel.params.file import validated
from carousel.task import find
from carousel.tasks.classification.learner import batches
from carousel.tasks.classification.params import Params
from carousel.text import columns
from carousel.text.vocabulary import Vocabulary

THEMES = {
    "food": "soup bread salty taste menu waiter cheese wine dish kitchen",
    "city": "street bridge tram museum square river station map tower park",
    "sea": "wave boat sail salt tide harbour fish storm deck island",
}
COMMON = "the a of and we was very not old new good bad in on with for"

DIGESTS = {"train": "ebe45c5773665151", "val": "4948a948d59f63ea", "test": "80a59cddd6ffb766"}
TOKENIZER = "ed1a9aa9483d5218"
VOCABULARY_DIGEST = "0f7f38af19b3dc21"
ARRAYS = {
    "train": ["5247da7d00ddd8b6", "d99a64379c451902", "301a74892c99285a"],
    "val": ["af7da698975170dd", "2792fe9bba610616", "296d698983cd7b8d"],
    "test": ["14ce664f7ddf3546", "c520fce401887187", "328662bbb0d3b767"],
}
ORDER = "d23dd47e24933813"


def write_reviews(path):
    rng = random.Random(7)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for _ in range(600):
            label = rng.choice(list(THEMES))
            own, other = THEMES[label].split(), THEMES[rng.choice(list(THEMES))].split()
            words = [
                rng.choice(COMMON.split() if rng.random() < 0.6 else own if rng.random() < 0.6 else other)
                for _ in range(rng.randint(4, 40))
            ]
            writer.writerow([" ".join(words), label if rng.random() < 0.9 else rng.choice(list(THEMES))])


def digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("golden")
    write_reviews(root / "reviews.csv")
    task = find("classification")
    params = validated(
        Params, {"data": {"source": "file", "path": "reviews.csv"}, "baseline": {"c": [1.0]}}, "here"
    )
    splits = task.prepare(task.source.collect(params.data, root).documents, params).splits
    tokenizer, tokens = task.tokenize(splits, params)
    counts = columns.counts(tokens["train"].lazy()).collect()
    vocabulary = Vocabulary.build(counts.iter_rows(), min_count=2, max_size=30_000)
    parts = {VOCABULARY: vocabulary.to_text().encode(), **task.fit_parts(tokens["train"], params)}
    encoded = {name: task.encode(frame, vocabulary, parts, params) for name, frame in tokens.items()}
    return task, params, splits, tokenizer, vocabulary, encoded


def test_splits_vocabulary_and_ids(made):
    task, _, splits, tokenizer, vocabulary, encoded = made
    assert {name: task.digest(frame)[:16] for name, frame in splits.items()} == DIGESTS
    assert digest(tokenizer.to_json().encode()) == TOKENIZER
    assert digest(vocabulary.to_text().encode()) == VOCABULARY_DIGEST
    found = {
        name: [
            digest(array.tobytes()) for array in (data.first.values, data.first.offsets, data.scalars["targets"])
        ]
        for name, data in encoded.items()
    }
    assert found == ARRAYS


def test_the_order_of_batches(made):
    *_, encoded = made
    order = []
    loader = batches(encoded["train"], 1024, seed=0, shuffle=True)
    for epoch in range(2):
        loader.set_epoch(epoch)
        order += [batch.astype(np.int64).tobytes() for batch in loader.buckets.batches()]
    assert digest(b"".join(order)) == ORDER


def test_the_baseline(made):
    task, params, splits, *_ = made
    report = task.baseline(splits, params).report()
    assert report["accuracy"] == pytest.approx(0.675)
    assert report["macro_f1"] == pytest.approx(0.6721146953405018)
    assert report["features"] == 2444
