"""The versions that a worker process has loaded, kept as the deployment says."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carousel.errors import UserError
from carousel.serving import metrics, routing
from carousel.serving.deployment import Deployed, Deployment, stamp
from carousel.serving.log import reason_of

if TYPE_CHECKING:
    from carousel.drift.counting import DailyCounts
    from carousel.predictor import Prediction, Predictor

POLL = 0.2  # seconds between two looks at the deployment
log = logging.getLogger("carousel.serving")


@dataclass(frozen=True, eq=False)
class Model:
    """A version that is loaded.

    Attributes:
        name: of the registered model.
        deployed: which version.
        predictor: what predicts.
        counts: what counts the predictions; None if nothing does.
    """

    name: str
    deployed: Deployed
    predictor: "Predictor"
    counts: "DailyCounts | None" = None

    @property
    def number(self) -> int:
        """Of the version."""
        return self.deployed.number

    def predict(self, inputs: Sequence[Any]) -> "Sequence[Prediction]":
        """Predict and count."""
        predictions = self.predictor.predict(inputs)
        if self.counts is not None:
            self.counts.add(self.number, self.predictor, inputs, predictions)
        return predictions


@dataclass(frozen=True)
class Served:
    """What answers at a time: replaced as a whole, so that a request sees one state.

    Attributes:
        deployment: that it follows. Versions that could not be loaded are not in its roles.
        models: by number.
        failures: reasons by number, of versions that could not be loaded here.
    """

    deployment: Deployment
    models: dict[int, Model]
    failures: dict[int, str]

    @property
    def champion(self) -> Model:
        """What answers by default."""
        return self.models[self.deployment.champion]

    def route(self, identifier: str) -> tuple[Model, str]:
        """Return the model for a request or session of that id, and its role."""
        canary = self.deployment.canary
        if canary is not None and routing.goes_to_canary(identifier, self.deployment.canary_fraction):
            return self.models[canary], "canary"
        return self.champion, "champion"

    def named(self, which: str) -> Model | None:
        """Return the model with that alias or number."""
        for model in self.models.values():
            if which == str(model.number) or which in model.deployed.aliases:
                return model
        return None

    @property
    def roles(self) -> dict[tuple[int, str], int]:
        """Version and role of all that is served, each with 1."""
        deployment = self.deployment
        found = {(deployment.champion, "champion"): 1}
        if deployment.canary is not None:
            found[deployment.canary, "canary"] = 1
        return found


class Models:
    """Follows the deployment.

    Args:
        file: the deployment.
        load: makes the predictor of an exported model.
        counts: what counts the predictions; None if nothing does.
    """

    def __init__(
        self, file: Path, load: "Callable[[Path], Predictor]", counts: "DailyCounts | None" = None
    ) -> None:
        self._file, self._load, self._counts = file, load, counts
        self._stamp = (0, 0, 0)
        self._changed = asyncio.Event()
        self.served: Served | None = None

    async def follow(self) -> None:
        """Load what the deployment names whenever it changes, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(POLL)

    async def look(self) -> None:
        """Load what the deployment names, if it has changed."""
        found = stamp(self._file)
        if found in (self._stamp, (0, 0, 0)):
            return
        self._stamp = found
        deployment = Deployment.load(self._file)
        await self._take(deployment)
        self._changed.set()
        self._changed = asyncio.Event()

    def expects(self, number: int) -> bool:
        """Return whether the deployment names a version, which may not be loaded yet."""
        return Deployment.load(self._file).version(number) is not None

    async def first(self, seconds: float) -> Served | None:
        """Return what is served, once it is loaded; None if nothing is deployed, or loading takes longer."""
        if self.served is None and self._file.exists():
            await self._wait(lambda: self.served is not None, seconds)
        return self.served

    async def wait_for(self, number: int, seconds: float) -> Model | None:
        """Return a version that is about to be loaded; None if it is not within that time."""
        await self._wait(lambda: self.served is not None and number in self.served.models, seconds)
        return self.served.models.get(number) if self.served is not None else None

    async def _wait(self, condition: Callable[[], bool], seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition():
                    await self._changed.wait()

    async def _take(self, deployment: Deployment) -> None:
        before = self.served
        old, failures = (before.models, before.failures) if before else ({}, {})
        models: dict[int, Model] = {}
        failed: dict[int, str] = {}
        for deployed in deployment.versions:
            known = old.get(deployed.number)
            if known is not None and known.deployed.digest == deployed.digest:
                models[deployed.number] = replace(known, deployed=deployed)
                continue
            try:
                predictor = await asyncio.to_thread(ready, self._load, deployed)
            except Exception as error:  # noqa: BLE001 - whatever it is, the old version goes on answering
                failed[deployed.number] = reason_of(error)
                metrics.LOAD_FAILURES.labels(str(deployed.number)).inc()
                log.error("version %d was not loaded: %s", deployed.number, failed[deployed.number])
                continue
            models[deployed.number] = Model(deployment.name, deployed, predictor, self._counts)
        if deployment.champion not in models:
            if before is None:
                return
            kept = before.champion
            log.error("version %d goes on answering", kept.number)
            models.setdefault(kept.number, kept)
            deployment = replace(deployment, champion=kept.number)
        if deployment.canary not in models:
            deployment = replace(deployment, canary=None, canary_fraction=0.0)
        self.served = Served(deployment, models, failed)
        self._tell(before, failures)

    def _tell(self, before: Served | None, failures: dict[int, str]) -> None:
        assert self.served is not None
        roles = self.served.roles
        for number, role in set(before.roles if before else {}) | set(roles):
            metrics.SERVED.labels(str(number), role).set(roles.get((number, role), 0))
        unserved = {str(number): 1 for number in self.served.failures}
        unserved |= {str(failure.number): 1 for failure in self.served.deployment.failures}
        known = {str(number) for number in failures}
        known |= {str(failure.number) for failure in before.deployment.failures} if before else set()
        for version in known | set(unserved):
            metrics.NOT_SERVED.labels(version).set(unserved.get(version, 0))
        if before is None or before.roles != roles:
            if before is not None:
                metrics.SWAPS.inc()
            parts = ", ".join(f"version {number} as {role}" for number, role in sorted(roles))
            log.info("serves %s", parts)


def ready(load: "Callable[[Path], Predictor]", deployed: Deployed) -> "Predictor":
    """Load a version and predict once, so that no request waits for what is done at first use.

    Raises:
        UserError: when its file is damaged, or is of another bundle.
    """
    found = hashlib.sha256(deployed.file.read_bytes()).hexdigest()
    if found != deployed.digest:
        raise UserError(f"{deployed.file.name}: its SHA-256 is {found}, the deployment says {deployed.digest}")
    predictor = load(deployed.file)
    predictor.predict(predictor.example)
    return predictor
