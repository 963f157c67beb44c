"""Counting predictions: what a predictor was given and what it predicted become a profile."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from carousel.drift.profile import Profile

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
