"""Bodies of requests: read within limits, and validated."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

Receive = Callable[[], Awaitable[Any]]
DISCARDED = 64 << 20  # bytes that are read of a body that is too long: a client that still sends sees no answer


class RefusedError(Exception):
    """A request that cannot be answered with a prediction.

    Attributes:
        status: of HTTP.
        reason: a sentence.
        retry_after: seconds after which a client may ask again; None if it need not.
        close: whether the connection cannot be used again.
    """

    def __init__(self, status: int, reason: str, *, retry_after: int | None = None, close: bool = False) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after, self.close = status, reason, retry_after, close


Input = str | list[str]


class PredictBody(BaseModel):
    """What to predict for: one text, or several. A tagger also takes lists of tokens."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"text": "Parse XML."}]})

    text: Annotated[Input | None, Field(description="A text; for a tagger, a text or its tokens.")] = None
    texts: Annotated[list[Input] | None, Field(min_length=1, description="Several of them.")] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "PredictBody":
        if (self.text is None) == (self.texts is None):
            raise ValueError("give either text or texts")
        return self

    @property
    def inputs(self) -> list[Input]:
        """All inputs."""
        return self.texts if self.texts is not None else [self.text]  # type: ignore[list-item]


class SessionBody(BaseModel):
    """How a session begins."""

    model_config = ConfigDict(extra="forbid", strict=True)

    on_version_change: Annotated[
        Literal["refuse", "replay"],
        Field(
            description="What happens when the version that began the session leaves: `refuse` answers 409;"
            " `replay` reads the texts again on the version that took its place, so the service has to keep them."
        ),
    ] = "refuse"


class AppendBody(BaseModel):
    """A piece of text that goes on a session."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(description="Read as if white space stood before it.")]


PREDICT, SESSION, APPEND = TypeAdapter(PredictBody), TypeAdapter(SessionBody), TypeAdapter(AppendBody)


async def read(receive: Receive, headers: dict[bytes, bytes], limit: int, seconds: float) -> bytes:
    """Return a request's body.

    Raises:
        RefusedError: when it is longer than `limit` bytes, takes longer than `seconds`, or its client left.
    """
    message = await receive() if b"content-length" in headers else None
    if message is not None and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        return _within(body, limit)
    parts, size = [message.get("body", b"")] if message else [], 0
    size = len(parts[0]) if parts else 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RefusedError(400, "the client closed the connection within the body", close=True)
                part: bytes = message.get("body", b"")
                size += len(part)
                if size <= limit:
                    parts.append(part)
                elif size > max(DISCARDED, limit):
                    raise _too_long(limit)
                if not message.get("more_body", False):
                    break
    except TimeoutError as error:
        raise RefusedError(408, f"the body did not arrive within {seconds:g} seconds", close=True) from error
    if size > limit:
        raise _too_long(limit)
    return b"".join(parts)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_long(limit)
    return body


def _too_long(limit: int) -> RefusedError:
    return RefusedError(413, f"the body is longer than {limit:,} bytes: send fewer or shorter texts", close=True)


def parse(adapter: TypeAdapter[Any], body: bytes) -> Any:
    """Return what a body says.

    Raises:
        RefusedError: when it is not JSON, or not what the adapter describes. The reason quotes no text.
    """
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise RefusedError(422, _sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return f"the body is not JSON: {_uncapitalized(first['msg'].removeprefix('Invalid JSON: '))}"
    if first["type"] == "extra_forbidden":
        return "the body has a key that is not known here; /docs lists those that are"
    # The names of the variants of a union come after the place
    place = ".".join(str(part) for part in first["loc"] if part not in ("str", "list[str]"))
    message = _uncapitalized(first["msg"].removeprefix("Value error, "))
    return f"the body, {place}: {message}" if place else f"the body: {message}"


def _uncapitalized(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
