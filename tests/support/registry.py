"""A real MLflow store, and small bundles to register in it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch

from carousel.bundle.bundle import Bundle
from carousel.comparison.predictions import Predictions
from carousel.registry import registration, versions
from carousel.tasks.classification.predictor import Classifier
from carousel.text.tokenizer import TOKENIZERS
from carousel.text.vocabulary import SPECIALS, Vocabulary
from carousel.tracking.run import PREDICTIONS
from carousel.tracking.store import connect, experiment
from tests.support import networks
from tests.support.predictions import TASK, planned

LABELS = ("animals", "plants")
DOCUMENTS = 200  # of the test data; the first half are animals, every fourth is long


@dataclass(frozen=True)
class Registry:
    """A store of its own, and how to fill it."""

    client: mlflow.MlflowClient
    add: Callable[..., tuple[versions.Version, bool]]  # as the stage `register` does
    enter: Callable[..., versions.Version]  # with what gates look at, and without what MLflow needs to serve it


def small_classifier(seed: int, hidden_size: int = 4) -> Classifier:
    torch.manual_seed(seed)
    vocabulary = Vocabulary((*SPECIALS, "the", "dog", "oak"))
    model = networks.classifier(len(vocabulary), len(LABELS), embedding_size=4, hidden_size=hidden_size)
    return Classifier(model, TOKENIZERS["basic_english"], vocabulary, LABELS, max_length=16)


def small_bundle(seed: int, hidden_size: int = 4) -> Bundle:
    return small_classifier(seed, hidden_size).to_bundle()


def predictions(wrong: Sequence[int], digest: str) -> Predictions:
    """What a model predicts that gets these documents wrong."""
    targets = np.repeat([0, 1], DOCUMENTS // 2)
    predicted = targets.copy()
    predicted[list(wrong)] ^= 1
    return planned(LABELS, targets, predicted, np.where(np.arange(DOCUMENTS) % 4 == 0, 100, 10), digest=digest)


def spread(accuracy: float) -> list[int]:
    """Documents to get wrong for an accuracy of all kinds; a better model's are among a worse one's."""
    order = np.random.default_rng(0).permutation(DOCUMENTS)
    return [int(i) for i in order[: round((1 - accuracy) * DOCUMENTS)]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One store for a module's tests; each takes a model name of its own."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("MLFLOW_REGISTRY_URI", raising=False)  # MLflow keeps there what connect() told it
        client = connect()

        def add(name: str, seed: int) -> tuple[versions.Version, bool]:
            bundle = small_bundle(seed)
            bundle.save(Path("bundle"))
            with mlflow.start_run(experiment_id=experiment(client, name)) as run:
                version, new = registration.register(client, name, bundle, Path("bundle"), run.info.run_id, {})
                return registration.complete(client, version, {}), new

        def enter(
            name: str,
            seed: int,
            accuracy: float = 0.8,
            digest: str = "d0",
            wrong: Sequence[int] | None = None,
            hidden_size: int = 4,
            baseline: float = 0.7,
        ) -> versions.Version:
            bundle = small_bundle(seed, hidden_size)
            bundle.save(Path("bundle"))
            given = predictions(spread(accuracy) if wrong is None else wrong, digest)
            given.save(Path("test.parquet"))
            sums = TASK.scoring.statistics(given.table, given.classes).total()
            test = {metric: float(value) for metric, value in TASK.scoring.score(sums, given.classes).items()}
            tags = versions.metric_tags(test, dict.fromkeys(test, baseline), TASK.metrics)
            tags |= {
                versions.TASK: TASK.name,
                versions.FINGERPRINT: bundle.fingerprint,
                versions.TEST_DIGEST: digest,
            }
            run = client.create_run(experiment(client, name))
            client.log_artifact(run.info.run_id, "test.parquet", PREDICTIONS.parent.as_posix())
            client.log_artifacts(run.info.run_id, "bundle", "model/artifacts/bundle")
            client.set_terminated(run.info.run_id)
            registration.create_model(client, name, TASK.name)
            source = f"{run.info.artifact_uri}/model"
            made = client.create_model_version(name, source, run.info.run_id, tags=tags)
            client.set_registered_model_alias(name, versions.CHALLENGER, made.version)
            return versions.get(client, name, made.version)

        yield Registry(client, add, enter)
