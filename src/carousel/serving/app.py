"""The HTTP interface as an ASGI application: limits, errors and metrics around every address."""

import hmac
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from carousel.serving import bodies, metrics
from carousel.serving.answers import Answer, refusal
from carousel.serving.bodies import Receive, RefusedError
from carousel.serving.endpoints import Endpoints
from carousel.serving.log import reason_of
from carousel.serving.settings import Settings

Send = Callable[[Any], Awaitable[None]]
OPEN = ("/health/live", "/health/ready")  # without the token: load balancers have none
log = logging.getLogger("carousel.serving")


@dataclass(eq=False)
class Request:
    """A request of which the head was read.

    Attributes:
        method: in capitals.
        path: of its address, decoded.
        headers: the last of each name, in lower case.
        receive: of ASGI.
        id: that the client gave in X-Request-Id, or one made for it.
    """

    method: str
    path: str
    headers: dict[bytes, bytes]
    receive: Receive
    id: str


class App:
    """The application of a worker process.

    Args:
        settings: of the service.
        endpoints: that answer.
        token: that clients have to send as a bearer token; empty if none is needed.
    """

    def __init__(self, settings: Settings, endpoints: Endpoints, token: str) -> None:
        self._settings, self._endpoints, self._token = settings, endpoints, token.encode("utf-8")
        self._latency: dict[str, Any] = {}
        self._requests: dict[tuple[str, int], Any] = {}
        self.draining = False

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        start = time.perf_counter()
        headers = dict(scope["headers"])
        name = headers.get(b"x-request-id", b"")[:200].decode("latin-1") or f"{random.getrandbits(64):016x}"
        request = Request(scope["method"], scope["path"], headers, receive, name)
        endpoint, answer = await self._answer(request)
        await self._send(request, answer, send)
        self._count(endpoint, answer.status, time.perf_counter() - start)

    async def _answer(self, request: Request) -> tuple[str, Answer]:
        endpoint = "other"
        try:
            found = self._endpoints.find(request.path)
            if found is None:
                raise RefusedError(404, "there is no such address; /docs lists those that there are")
            endpoint, methods, argument = found
            if self._token and request.path not in OPEN:
                self._authorize(request.headers)
            handler = methods.get(request.method)
            if handler is None:
                raise RefusedError(405, f"this address takes {' and '.join(methods)}, not {request.method}")
            if self._endpoints.is_overloaded(endpoint):
                raise RefusedError(503, "too many texts are waiting: try again later", retry_after=1)
            settings = self._settings
            has_body = request.method not in ("GET", "HEAD") and (
                b"content-length" in request.headers or b"transfer-encoding" in request.headers
            )
            body = (
                await bodies.read(request.receive, request.headers, settings.max_body, settings.body_seconds)
                if has_body
                else b""
            )
            return endpoint, await handler(argument, body, request.id)
        except RefusedError as error:
            return endpoint, refusal(error)
        except Exception as error:  # noqa: BLE001 - a request that fails ends no other
            log.error("request %s of %s failed: %s", _printable(request.id), endpoint, reason_of(error))
            return endpoint, refusal(RefusedError(500, "this service failed; its log says where"))

    def _authorize(self, headers: dict[bytes, bytes]) -> None:
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
            raise RefusedError(401, "this address needs the header Authorization: Bearer TOKEN")

    async def _send(self, request: Request, answer: Answer, send: Send) -> None:
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            (b"x-request-id", request.id.encode("latin-1", "replace")),
            *answer.headers,
        ]
        if answer.close or self.draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})

    def _count(self, endpoint: str, status: int, seconds: float) -> None:
        key = (endpoint, status)
        if key not in self._requests:
            self._requests[key] = metrics.REQUESTS.labels(endpoint, str(status))
        if endpoint not in self._latency:
            self._latency[endpoint] = metrics.LATENCY.labels(endpoint)
        self._requests[key].inc()
        self._latency[endpoint].observe(seconds)


def _printable(identifier: str) -> str:
    return json.dumps(identifier)[1:-1][:80]
