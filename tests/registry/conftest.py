"""A real MLflow store, and small bundles to register in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
import torch

from carousel.bundle.bundle import Bundle
from carousel.nn.classifier import ClassifierConfig, TextClassifier
from carousel.registry import versions
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.tracking.store import connect, experiment

LABELS = ("animals", "plants")


@dataclass(frozen=True)
class Registry:
    """A store of its own, and how to fill it."""

    client: mlflow.MlflowClient
    add: Callable[..., tuple[versions.Version, bool]]


def small_bundle(seed: int) -> Bundle:
    torch.manual_seed(seed)
    vocabulary = Vocabulary((*SPECIALS, "the", "dog", "oak"))
    model = TextClassifier(ClassifierConfig(len(vocabulary), len(LABELS), embedding_size=4, hidden_size=4))
    return Bundle(model, TOKENIZERS["basic_english"], vocabulary, LABELS, max_length=16)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One store for a module's tests; each takes a model name of its own."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("MLFLOW_REGISTRY_URI", raising=False)  # MLflow keeps there what connect() told it
        client = connect()

        def add(name: str, seed: int, accuracy: float = 0.8, digest: str = "d0") -> tuple[versions.Version, bool]:
            bundle = small_bundle(seed)
            bundle.save(Path("bundle"))
            with mlflow.start_run(experiment_id=experiment(client, name)) as run:
                tags = {versions.ACCURACY: str(accuracy), versions.TEST_DIGEST: digest}
                return versions.register(client, name, bundle, Path("bundle"), run.info.run_id, tags)

        yield Registry(client, add)
