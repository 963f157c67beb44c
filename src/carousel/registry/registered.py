"""A registered version's bundle, metrics and predictions on test data, each loaded when first used."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from carousel import layout
from carousel.bundle.bundle import Bundle
from carousel.comparison.predictions import Predictions
from carousel.corpus import tables
from carousel.errors import UserError
from carousel.predictor import Predictor
from carousel.registry import versions
from carousel.registry.model_ref import logged_predictions
from carousel.registry.versions import Version
from carousel.task import Task, find

if TYPE_CHECKING:
    from mlflow import MlflowClient


class Registered:
    """A registered version, and what gates want to know of it.

    Args:
        client: of the store.
        version: the version.
    """

    def __init__(self, client: "MlflowClient", version: Version) -> None:
        self.client = client
        self.version = version
        self._predictions: dict[str, Predictions] = {}

    @cached_property
    def bundle(self) -> Bundle:
        """Downloaded, and verified to be the one that was registered."""
        return versions.fetch(self.version)

    def verified(self) -> Version:
        """Return the version, once its bundle was loaded and verified, and its predictor made.

        Raises:
            UserError: when it is damaged, or another one than was registered, or cannot predict.
        """
        _ = self.predictor
        return self.version

    @cached_property
    def predictor(self) -> Predictor:
        """What predicts, made of the bundle."""
        return versions.predictor_of(self.version, self.bundle)

    @cached_property
    def task(self) -> Task[Any]:
        """The task that the bundle is of."""
        return find(self.bundle.task)

    @cached_property
    def bytes(self) -> int:
        """Of the bundle's files."""
        return versions.saved_bytes(self.bundle)

    @property
    def digest(self) -> str:
        """Of the test data that it was tested on."""
        return self.recorded(versions.TEST_DIGEST)

    def recorded(self, tag: str) -> str:
        """Return what the stage `register` wrote down, as `versions.recorded` does."""
        return versions.recorded(self.version, tag)

    def metric(self, tag: str) -> float:
        """Return a metric that the stage `register` wrote down.

        Raises:
            UserError: as `recorded`, or when the tag holds no number.
        """
        self.recorded(tag)
        value = versions.number(self.version.tags, tag)
        if value is None:
            raise UserError(f"{self.version.uri}: its tag {tag} holds no number: somebody changed it")
        return value

    def predictions(self, digest: str) -> Predictions:
        """Return its predictions on the test data with that digest: those of its run, or given now.

        Raises:
            UserError: when its run has none to that data, and the data is not here.
        """
        if digest not in self._predictions:
            kept = logged_predictions(self.client, self.version.run_id)
            if kept is not None and kept.digest == digest:
                self._predictions[digest] = kept
            else:
                documents = test_documents(self.task, self.version, digest)
                report = self.task.evaluate(self.predictor, documents)
                self._predictions[digest] = self.task.predictions(report, digest)
        return self._predictions[digest]


def test_data(task: Task[Any], digest: str) -> pl.DataFrame | None:
    """Return the test data here if it is of the task and has that digest."""
    found = tables.read(layout.TEST) if layout.TEST.exists() else None
    return found if found is not None and task.digest_if_own(found) == digest else None


def test_documents(task: Task[Any], version: Version, digest: str) -> pl.DataFrame:
    """Return the test data with that digest, which is here if this is where the candidate was trained.

    Raises:
        UserError: when it is not.
    """
    found = test_data(task, digest)
    if found is None:
        raise UserError(
            f"{version.uri}: has to predict test data {digest[:8]}, which is not in {layout.TEST} here: promote "
            "where the candidate was trained"
        )
    return found
