"""Counting predictions: what a predictor was given and what it predicted become a profile."""

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from carousel.drift.profile import Profile
from carousel.drift.store import ProfileStore

if TYPE_CHECKING:
    from carousel.predictor import Prediction, Predictor

CHUNK = 512  # inputs predicted together


def count(
    profile: Profile, predictor: "Predictor", inputs: Sequence[Any], predictions: "Sequence[Prediction]"
) -> None:
    """Add predictions to a profile.

    Args:
        profile: to add to.
        predictor: that predicted, for its vocabulary.
        inputs: what it was given.
        predictions: for each input.
    """
    for given, prediction in zip(inputs, predictions, strict=True):
        profile.add(*predictor.count_tokens(given), prediction.classes, prediction.confidence)


def profile_of(predictor: "Predictor", inputs: Sequence[Any]) -> Profile:
    """Return the profile of a predictor's predictions for inputs."""
    profile = Profile()
    for start in range(0, len(inputs), CHUNK):
        chunk = inputs[start : start + CHUNK]
        count(profile, predictor, chunk, predictor.predict(chunk))
    return profile


class DailyCounts:
    """Predictions of one process by version and day (UTC), which `flush` adds to a store.

    `add` and `flush` may be called by different threads.

    Args:
        store: of the service.
        name: of the registered model.
    """

    def __init__(self, store: ProfileStore, name: str) -> None:
        self.store = store
        self.name = name
        self._waiting: dict[tuple[int, date], Profile] = {}
        self._lock = threading.Lock()

    def add(
        self, version: int, predictor: "Predictor", inputs: Sequence[Any], predictions: "Sequence[Prediction]"
    ) -> None:
        """Count predictions of a version, in memory."""
        profile = Profile()
        count(profile, predictor, inputs, predictions)
        self._keep((version, datetime.now(UTC).date()), profile)

    def flush(self) -> None:
        """Add what was counted since the last call to the store; what cannot be written waits for the next call.

        Raises:
            UserError: when the store cannot be written.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        while waiting:
            (version, day), profile = waiting.popitem()
            try:
                self.store.add(f"{self.name}/{version}", day, profile)
            except BaseException:
                for key, kept in [((version, day), profile), *waiting.items()]:
                    self._keep(key, kept)
                raise

    def _keep(self, key: tuple[int, date], profile: Profile) -> None:
        with self._lock:
            self._waiting[key] = self._waiting.get(key, Profile()) + profile
