"""The profile that a registered version was evaluated with."""

import tempfile
from typing import TYPE_CHECKING

from carousel.drift.profile import Profile
from carousel.errors import UserError
from carousel.registry.versions import Version, download
from carousel.tracking.run import PROFILE
from carousel.tracking.store import has_run

if TYPE_CHECKING:
    from mlflow import MlflowClient


def fetch(client: "MlflowClient", version: Version) -> Profile:
    """Return the profile of a version's predictions on the test split, which its run keeps.

    Raises:
        UserError: when the run is gone, has logged none, or its file cannot be read.
    """
    if not has_run(client, version.run_id):
        raise UserError(f"{version.uri}: its run was deleted, and its profile with it")
    if not any(file.path == PROFILE for file in client.list_artifacts(version.run_id)):
        raise UserError(
            f"{version.uri}: its run has no {PROFILE}; `dvc repro --force --downstream evaluate` writes one, where "
            "the version was trained"
        )
    with tempfile.TemporaryDirectory() as scratch:
        content = download(f"runs:/{version.run_id}/{PROFILE}", scratch).read_text("utf-8")
    try:
        return Profile.from_json(content)
    except ValueError as error:
        raise UserError(f"{version.uri}: {PROFILE} of its run {error}") from error
