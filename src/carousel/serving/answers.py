"""Answers of HTTP: JSON, or plain text."""

import json
from dataclasses import dataclass
from typing import Any

from carousel.serving.bodies import RefusedError

JSON = b"application/json"
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=vars)


@dataclass(frozen=True)
class Answer:
    """An answer before it is sent.

    Attributes:
        body: its content.
        status: of HTTP.
        content_type: of the body.
        headers: further ones.
        close: whether the connection is closed after it.
    """

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    close: bool = False


def as_json(value: Any, status: int = 200) -> Answer:
    """Return an answer with a JSON body; of dataclasses it has the fields."""
    return Answer(_ENCODER.encode(value).encode("utf-8"), status)


def refusal(error: RefusedError) -> Answer:
    """Return the answer to a request that was refused."""
    headers: list[tuple[bytes, bytes]] = []
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    body = json.dumps({"error": error.reason}, ensure_ascii=False).encode("utf-8")
    return Answer(body, error.status, headers=tuple(headers), close=error.close)
