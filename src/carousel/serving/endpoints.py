"""What the addresses of the service answer."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from carousel.serving import bodies, metrics
from carousel.serving.answers import Answer, as_json
from carousel.serving.batching import Batcher, QueueFullError
from carousel.serving.bodies import PredictBody, RefusedError
from carousel.serving.deployment import Deployment
from carousel.serving.models import Model, Models, Served
from carousel.serving.session_store import Session, SessionStore, new_id
from carousel.serving.sessions import LOADING_SECONDS, Appended, Sessions
from carousel.serving.settings import Settings
from carousel.serving.shadow import Sender

Handler = Callable[[str, bytes, str], Awaitable[Answer]]
WAITING_SESSIONS = 64  # calls of sessions that wait in a process
BATCHED = ("predict", "model_predict")


class Endpoints:
    """The endpoints of a worker process.

    Args:
        settings: of the service.
        models: that are loaded.
        batcher: that predicts.
        sessions: of texts that are read piece by piece.
        store: of the sessions.
        shadow: where copies go; None without a shadow.
        pages: the OpenAPI description and the page that shows it, by path.
    """

    def __init__(
        self,
        settings: Settings,
        models: Models,
        batcher: Batcher,
        sessions: Sessions,
        store: SessionStore,
        shadow: Sender | None,
        pages: dict[str, Answer],
    ) -> None:
        self._settings, self._models, self._batcher, self._sessions = settings, models, batcher, sessions
        self._store, self._shadow = store, shadow
        self._thread = ThreadPoolExecutor(1, "sessions")
        self._session_calls = 0
        self._predicted: dict[tuple[int, str], Any] = {}
        self.draining = False
        self._fixed: dict[str, tuple[str, dict[str, Handler]]] = {
            "/v1/predict": ("predict", {"POST": self._predict}),
            "/v1/models": ("models", {"GET": self._list}),
            "/v1/sessions": ("sessions", {"POST": self._begin}),
            "/health/live": ("live", {"GET": self._live, "HEAD": self._live}),
            "/health/ready": ("ready", {"GET": self._ready, "HEAD": self._ready}),
            "/metrics": ("metrics", {"GET": self._metrics}),
            **{path: ("docs", {"GET": _fixed(answer)}) for path, answer in pages.items()},
        }

    def find(self, path: str) -> tuple[str, dict[str, Handler], str] | None:
        """Return an address's name for metrics, its handlers by method and the part of the path that varies."""
        if (fixed := self._fixed.get(path)) is not None:
            return *fixed, ""
        match path.split("/")[1:]:
            case ["v1", "models", which, "predict"] if which:
                return "model_predict", {"POST": self._predict_by}, which
            case ["v1", "sessions", identifier] if identifier:
                return "session", {"GET": self._get, "POST": self._append, "DELETE": self._delete}, identifier
        return None

    def is_overloaded(self, endpoint: str) -> bool:
        """Whether to refuse a request before its body is read."""
        if endpoint in BATCHED:
            return self._batcher.is_full
        return endpoint in ("session", "sessions") and self._session_calls >= WAITING_SESSIONS

    # Predictions

    async def _predict(self, argument: str, body: bytes, identifier: str) -> Answer:
        served = await self._served()
        model, role = served.route(identifier)
        return await self._answer(served, model, role, body)

    async def _predict_by(self, argument: str, body: bytes, identifier: str) -> Answer:
        served = await self._served()
        model = served.named(argument)
        if model is None:
            names = sorted({str(one.number) for one in served.models.values()})
            raise RefusedError(
                404,
                f"no version with this alias or number is served; versions {', '.join(names)} are; "
                "`carousel serve --also` adds others",
            )
        return await self._answer(served, model, "addressed", body)

    async def _answer(self, served: Served, model: Model, role: str, body: bytes) -> Answer:
        asked: PredictBody = bodies.parse(bodies.PREDICT, body)
        inputs = asked.inputs
        if len(inputs) > self._settings.max_texts:
            raise RefusedError(413, f"a request takes {self._settings.max_texts} texts at most, not {len(inputs)}")
        for number, given in enumerate(inputs, 1):
            if reason := model.predictor.check(given):
                raise RefusedError(422, f"text {number}: {reason}")
        try:
            predictions = await self._batcher.submit(model.predict, inputs)
        except QueueFullError:
            raise RefusedError(503, "too many texts are waiting: try again later", retry_after=1) from None
        self._count(model, role, inputs, predictions, served.deployment)
        return as_json(_named(model) | {"predictions": predictions})

    def _count(self, model: Model, role: str, inputs: list[Any], predictions: Any, deployment: Deployment) -> None:
        key = (model.number, role)
        if key not in self._predicted:
            self._predicted[key] = metrics.PREDICTIONS.labels(str(model.number), role)
        self._predicted[key].inc(len(inputs))
        if self._shadow is not None and deployment.shadow is not None and role == "champion":
            summaries = [one.summary for one in predictions]
            self._shadow.send(model.number, deployment.shadow.number, inputs, summaries)

    # Versions, health and metrics

    async def _list(self, argument: str, body: bytes, identifier: str) -> Answer:
        served = await self._served()
        deployment = served.deployment
        return as_json(
            {
                "model": deployment.name,
                "champion": deployment.champion,
                "canary": deployment.canary,
                "canary_fraction": deployment.canary_fraction,
                "shadow": deployment.shadow.number if deployment.shadow else None,
                "versions": [_described(model) for _, model in sorted(served.models.items())],
                "not_served": _failures(served),
            }
        )

    async def _live(self, argument: str, body: bytes, identifier: str) -> Answer:
        return as_json({"status": "live"})

    async def _ready(self, argument: str, body: bytes, identifier: str) -> Answer:
        served = self._models.served
        if self.draining:
            return as_json({"status": "draining"}, 503)
        if served is None:
            return as_json({"status": "loading"}, 503)
        problems = {"not_served": _failures(served), "registry_error": served.deployment.registry_error}
        found = {"status": "ready"} | _named(served.champion)
        return as_json(found | {key: value for key, value in problems.items() if value})

    async def _metrics(self, argument: str, body: bytes, identifier: str) -> Answer:
        count, size = await asyncio.to_thread(self._store.totals)
        metrics.SESSIONS.set(count)
        metrics.SESSION_BYTES.set(size)
        metrics.RESIDENT.set(metrics.resident_bytes())
        return Answer(await asyncio.to_thread(metrics.expose), content_type=metrics.CONTENT_TYPE)

    async def _served(self) -> Served:
        """Return what answers. Where other processes have loaded it already, a request waits for this one."""
        served = self._models.served or await self._models.first(LOADING_SECONDS)
        if served is None:
            raise RefusedError(503, "the model is being loaded: try again later", retry_after=1)
        return served

    # Sessions

    async def _begin(self, argument: str, body: bytes, identifier: str) -> Answer:
        asked = bodies.parse(bodies.SESSION, body or b"{}")
        name = new_id()
        model, _ = (await self._served()).route(name)
        session = await self._in_thread(
            "begin", lambda: self._sessions.begin(name, model, replay=asked.on_version_change == "replay")
        )
        return as_json(self._session(session, model), 201)

    async def _get(self, argument: str, body: bytes, identifier: str) -> Answer:
        session: Session = await self._in_thread("get", lambda: self._sessions.get(argument))
        return as_json(self._session(session, (await self._served()).models.get(session.version)))

    async def _append(self, argument: str, body: bytes, identifier: str) -> Answer:
        text = bodies.parse(bodies.APPEND, body).text
        session: Session = await self._in_thread("get", lambda: self._sessions.get(argument))
        served = await self._served()
        model = served.models.get(session.version)
        if model is None and self._models.expects(session.version):
            # Another process has swapped already, and this one is about to
            model = await self._models.wait_for(session.version, LOADING_SECONDS)
            served = await self._served()
        successor, _ = served.route(argument)
        appended: Appended = await self._in_thread(
            "append", lambda: self._sessions.append(session, text, model, successor)
        )
        model = served.models[appended.session.version]
        return as_json(
            self._session(appended.session, model)
            | {"replayed": appended.replayed, "prediction": appended.prediction}
        )

    async def _delete(self, argument: str, body: bytes, identifier: str) -> Answer:
        await self._in_thread("delete", lambda: self._sessions.delete(argument))
        return as_json({"deleted": argument})

    async def _in_thread(self, call: str, function: Callable[[], Any]) -> Any:
        self._session_calls += 1
        result = "failed"
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, function)
            result = "done"
            return found
        except RefusedError:
            result = "refused"
            raise
        finally:
            self._session_calls -= 1
            metrics.SESSION_CALLS.labels(call, result).inc()

    def _session(self, session: Session, model: Model | None) -> dict[str, Any]:
        return {
            "session": session.id,
            "model": self._settings.name,
            "version": session.version,
            "fingerprint": model.deployed.fingerprint if model else None,
            "calls": session.calls,
            "on_version_change": "replay" if session.replay else "refuse",
            "expires_in": self._settings.session_seconds,
        }


def _named(model: Model) -> dict[str, Any]:
    return {"model": model.name, "version": model.number, "fingerprint": model.deployed.fingerprint}


def _described(model: Model) -> dict[str, Any]:
    return {
        "version": model.number,
        "aliases": list(model.deployed.aliases),
        "fingerprint": model.deployed.fingerprint,
        "precision": model.deployed.precision,
        "architecture": model.predictor.architecture,
        "size": model.predictor.size,
        "parameters": model.predictor.parameters,
    }


def _failures(served: Served) -> dict[str, str]:
    found = {str(failure.number): failure.reason for failure in served.deployment.failures}
    return found | {str(number): reason for number, reason in served.failures.items()}


def _fixed(answer: Answer) -> Handler:
    async def handler(argument: str, body: bytes, identifier: str) -> Answer:
        return answer

    return handler
