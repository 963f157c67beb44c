import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carousel.serving import bodies
from carousel.serving.bodies import RefusedError


def read(parts: list[bytes], limit: int, *, length: bool) -> bytes:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    headers = {b"content-length": b"1"} if length else {}
    return asyncio.run(bodies.read(receive, headers, limit, 10.0))


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=5), st.booleans())
def test_a_body_is_its_parts_up_to_the_limit(parts: list[bytes], length: bool) -> None:
    whole = b"".join(parts)
    assert read(parts, len(whole), length=length) == whole
    if whole:
        with pytest.raises(RefusedError) as error:
            read(parts, len(whole) - 1, length=length)
        assert error.value.status == 413


def test_a_client_that_sends_nothing_is_told() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    with pytest.raises(RefusedError) as error:
        asyncio.run(bodies.read(receive, {}, 10, 0.01))
    assert error.value.status == 408


@given(st.binary())
def test_any_bytes_are_a_body_or_refused(content: bytes) -> None:
    for adapter in (bodies.PREDICT, bodies.SESSION, bodies.APPEND):
        with contextlib.suppress(RefusedError):  # any other exception fails
            bodies.parse(adapter, content)


@given(st.text(alphabet=st.characters(codec="utf-8")), st.lists(st.text(alphabet=st.characters(codec="utf-8"))))
def test_texts_come_as_they_were_sent(text: str, texts: list[str]) -> None:
    import json

    assert bodies.parse(bodies.PREDICT, json.dumps({"text": text}).encode()).inputs == [text]
    if texts:
        assert bodies.parse(bodies.PREDICT, json.dumps({"texts": texts}).encode()).inputs == texts


def test_a_reason_quotes_no_text() -> None:
    for content in (b'{"text": "secret", "secret": 1}', b'{"texts": ["a", {"secret": 1}]}', b'{"text": secret}'):
        with pytest.raises(RefusedError) as error:
            bodies.parse(bodies.PREDICT, content)
        assert "secret" not in error.value.reason
