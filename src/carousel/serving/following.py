"""Following the registry: which versions should answer, and a deployment of those that can."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from carousel.registry import versions
from carousel.registry.versions import Version
from carousel.serving.deployment import Deployed, Deployment, Failure
from carousel.serving.log import reason_of
from carousel.serving.preparing import Preparing
from carousel.serving.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

RETRY = 30.0  # seconds after which a version that failed is tried again
log = logging.getLogger("carousel.serving")


@dataclass(frozen=True)
class Wanted:
    """The versions that should answer, by what the registry says now."""

    champion: Version
    canary: Version | None
    shadow: Version | None
    also: tuple[Version, ...]

    @property
    def answering(self) -> tuple[Version, ...]:
        """All that workers load, each once."""
        found = [self.champion, *([self.canary] if self.canary else []), *self.also]
        return tuple({version.number: version for version in found}.values())


def champion(client: "MlflowClient", settings: Settings, known: Sequence[Version]) -> Version:
    """Return the version that should answer.

    Args:
        client: of the store.
        settings: of the service.
        known: all versions of the registered model.

    Raises:
        UserError: when the registry has none.
    """
    for alias in settings.aliases:
        for version in known:
            if alias in (str(version.number), *version.aliases):
                return version
    return versions.get(client, settings.name, settings.aliases[0])  # which says what there is


class Follower:
    """Keeps the deployment as the registry says.

    Args:
        client: of the store.
        settings: of the service.
    """

    def __init__(self, client: "MlflowClient", settings: Settings) -> None:
        self._client, self._settings = client, settings
        self._preparing = Preparing(settings.exports, settings.precision)
        self._seen: Wanted | None = None
        self._retry_at: float | None = None
        self.deployment: Deployment | None = None

    def look(self) -> None:
        """Ask the registry, and replace the deployment if it has to change.

        Raises:
            UserError: when nothing is deployed yet, and nothing can be.
        """
        try:
            wanted = self._wanted()
        except Exception as error:
            if self.deployment is None:
                raise
            self._cannot_ask(reason_of(error))
            return
        if self.deployment is not None and self.deployment.registry_error:
            log.info("the registry can be asked again")
            self._replace(replace(self.deployment, registry_error=""))
        due = self._retry_at is not None and time.monotonic() >= self._retry_at
        if wanted != self._seen or due:
            self._deploy(wanted)
            self._seen = wanted

    def _wanted(self) -> Wanted:
        settings = self._settings
        known = versions.versions(self._client, settings.name)
        named = {alias: version for version in known for alias in (str(version.number), *version.aliases)}
        answers = champion(self._client, settings, known)
        canary, shadow = (named.get(which) for which in (settings.canary, settings.shadow))
        return Wanted(
            answers,
            canary if canary is not None and canary.number != answers.number else None,
            shadow if shadow is not None and shadow.number != answers.number else None,
            tuple(named[which] for which in settings.also if which in named),
        )

    def _deploy(self, wanted: Wanted) -> None:
        before, failures = self.deployment, list[Failure]()
        ready: dict[int, Deployed] = {}
        needed = [*wanted.answering, *([wanted.shadow] if wanted.shadow else [])]
        for version in needed:
            if version.number in ready:
                continue
            try:
                ready[version.number] = self._ready(version)
            except Exception as error:
                if before is None and version == wanted.champion:
                    raise
                failures.append(Failure(version.number, reason_of(error)))
        self._retry_at = time.monotonic() + RETRY if failures else None
        for failure in failures:
            if before is None or failure not in before.failures:
                log.error("version %d is not served: %s", failure.number, failure.reason)
        champion = ready.get(wanted.champion.number)
        if champion is None:
            assert before is not None
            champion = before.version(before.champion)
            assert champion is not None
            ready[champion.number] = champion
        canary = wanted.canary.number if wanted.canary and wanted.canary.number in ready else None
        if canary == champion.number:
            canary = None
        answering = {version.number for version in wanted.answering} | {champion.number}
        shadow = ready.get(wanted.shadow.number) if wanted.shadow else None
        self._replace(
            Deployment(
                name=self._settings.name,
                versions=tuple(deployed for number, deployed in ready.items() if number in answering),
                champion=champion.number,
                canary=canary,
                canary_fraction=self._settings.canary_fraction if canary is not None else 0.0,
                shadow=shadow if shadow is not None and shadow.number != champion.number else None,
                failures=tuple(failures),
            )
        )

    def _ready(self, version: Version) -> Deployed:
        """Return what is deployed already, or make a version ready."""
        deployment = self.deployment
        current = deployment.version(version.number) if deployment else None
        if current is not None and current.fingerprint == version.tags.get(versions.FINGERPRINT):
            return replace(current, aliases=version.aliases)
        return self._preparing.ready(version)

    def _cannot_ask(self, reason: str) -> None:
        assert self.deployment is not None
        if not self.deployment.registry_error:
            log.error("the registry cannot be asked; what is deployed goes on answering: %s", reason)
            self._replace(replace(self.deployment, registry_error=reason))

    def _replace(self, deployment: Deployment) -> None:
        if deployment == self.deployment:
            return
        deployment.save(self._settings.deployment)
        before, self.deployment = self.deployment, deployment
        if before is None or before.champion != deployment.champion:
            log.info("deploys version %d", deployment.champion)
