"""Data of text classification in memory, as its stages make it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from carousel.corpus.dataset import Dataset, Ragged
from carousel.corpus.pretrained import Pretrained
from carousel.corpus.training_data import TOKENIZER, VOCABULARY, Parts, TrainingData
from carousel.tasks.classification.labels import PART as LABELS
from carousel.tasks.classification.labels import to_part
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import Vocabulary


def dataset(documents: Sequence[Sequence[int]], targets: Sequence[int], **changes: Any) -> Dataset:
    """Return documents, each a sequence of ids, with the indices of their labels."""
    given = {
        "sequences": {"ids": Ragged.of(documents)},
        "scalars": {"targets": np.asarray(targets, dtype=np.int64)},
        "names": tuple(map(str, range(len(documents)))),
    }
    return Dataset(**{**given, **changes})


def documents_of(data: Dataset) -> list[Any]:
    """Return the ids of each document."""
    ids = data.sequences["ids"]
    return [ids[i] for i in range(len(ids))]


def parts(vocabulary: Vocabulary, labels: Sequence[str]) -> Parts:
    """Return the fitted parts of a training."""
    return {
        VOCABULARY: vocabulary.to_text().encode(),
        TOKENIZER: TOKENIZERS["split"].to_json().encode(),
        LABELS: to_part(labels),
    }


def training_data(
    train: Dataset,
    val: Dataset | None,
    vocabulary: Vocabulary,
    labels: Sequence[str],
    pretrained: Pretrained | None = None,
) -> TrainingData:
    """Return all that a training learns from."""
    return TrainingData(train, val, parts(vocabulary, labels), pretrained)
