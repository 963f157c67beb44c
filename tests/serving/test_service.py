"""A real service on loopback: what it answers, and that it loses nothing."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carousel.drift.store import ProfileStore
from carousel.registry.versions import Version
from tests.support.registry import Registry, small_classifier
from tests.support.service import Connection, Service, one_way_classifier, point, publish, running

NAME = "served"
CANARY = 0.25


@pytest.fixture(scope="module")
def published(registry: Registry) -> list[Version]:
    """Versions of seeds 0, 1, …: the first is champion, the second challenger and canary, the third a shadow."""
    made = [publish(registry.client, NAME, small_classifier(seed)) for seed in range(4)]
    for alias, version in zip(("champion", "challenger", "shadow"), made, strict=False):
        point(registry.client, NAME, alias, version.number)
    return made


@pytest.fixture(scope="module")
def service(published: list[Version]) -> Iterator[Service]:
    options = ("--processes", "1", "--canary", f"challenger={100 * CANARY:g}%", "--shadow", "shadow")
    limits = ("--max-body", "20000", "--max-texts", "8", "--max-sessions", "3")
    with running(Path.cwd(), NAME, *options, *limits) as found:
        yield found


@pytest.fixture(autouse=True)
def _at_first(registry: Registry, published: list[Version], service: Service) -> None:
    """Begin each test with the first version as champion."""
    point(registry.client, NAME, "champion", published[0].number)
    point(registry.client, NAME, "challenger", published[1].number)
    service.wait_for_champion(published[0].number)


def test_predictions_are_the_bundles(service: Service, published: list[Version]) -> None:
    texts = ["the dog", "an oak", "", "the \x1c dog \U0001f415 oak"]
    for version, seed in zip(published[:2], (0, 1), strict=True):
        answer = service.ask("POST", f"/v1/models/{version.number}/predict", {"texts": texts}).json()
        assert answer["version"] == version.number
        assert answer["fingerprint"] == version.tags["bundle.fingerprint"]
        for found, expected in zip(answer["predictions"], small_classifier(seed).predict(texts), strict=True):
            assert found["label"] == expected.label
            assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)


def test_aliases_and_numbers_are_addresses(service: Service, published: list[Version]) -> None:
    for which, version in (("champion", 0), ("challenger", 1), (str(published[1].number), 1)):
        answer = service.ask("POST", f"/v1/models/{which}/predict", {"text": "oak"})
        assert answer.json()["version"] == published[version].number
    missing = service.ask("POST", "/v1/models/nobody/predict", {"text": "oak"})
    assert (missing.status, "versions 1, 2 are" in missing.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 422, "not JSON"),
        (b"{", 422, "not JSON"),
        (b'{"text": "a"', 422, "not JSON"),
        (b'{"text": NaN}', 422, "text"),
        (b'{"text": null}', 422, "give either text or texts"),
        (b'{"text": "a", "texts": ["a"]}', 422, "give either text or texts"),
        (b'{"texts": []}', 422, "texts"),
        (b'{"texts": ["a", 3]}', 422, "texts.1"),
        (b'{"text": ["a", "b"]}', 422, "not a text but list"),
        (b'{"text": "\\ud800"}', 422, "not JSON"),
        (b'{"text": "\xff"}', 422, "not JSON"),
        (b'{"words": "a"}', 422, "not known"),
        (b"[" * 9_000, 422, "not JSON"),
        (b'{"text": ' + b'{"a":' * 3_000 + b"1" + b"}" * 3_000 + b"}", 422, ""),
        (b'{"texts": ' + str(["a"] * 9).replace("'", '"').encode() + b"}", 413, "8 texts"),
        (b'{"text": "' + b"x" * 20_001 + b'"}', 413, "20,000 bytes"),
        (b"x" * 10_000_000, 413, "20,000 bytes"),
        (b'{"text": "' + b"\\ud800" * 200_000 + b'"}', 413, "20,000 bytes"),
    ],
)
def test_hostile_bodies_get_a_sentence(service: Service, body: bytes, status: int, sentence: str) -> None:
    answer = service.ask("POST", "/v1/predict", body)
    assert (answer.status, sentence in answer.json()["error"]) == (status, True), answer.json()
    assert service.predict().status == 200


def test_errors_name_what_to_do(service: Service) -> None:
    assert service.ask("GET", "/nowhere").status == 404
    assert "POST" in service.ask("GET", "/v1/predict").json()["error"]
    assert service.ask("GET", "/v1/sessions/none").status == 404
    assert service.ask("DELETE", "/v1/sessions/none").status == 404


def test_a_model_of_two_directions_has_no_sessions(service: Service) -> None:
    answer = service.ask("POST", "/v1/sessions")
    assert answer.status == 422
    assert "bilstm" in answer.json()["error"]


def test_chunked_bodies_are_read_and_limited(service: Service) -> None:
    for chunks, status in (([b'{"te', b'xt": "oak"}'], 200), ([b"x" * 9_000] * 3, 413)):
        connection = Connection(service.port)
        head = b"POST /v1/predict HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n"
        connection.socket.sendall(
            head + b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"
        )
        assert connection.receive().status == status
        connection.close()


def test_the_page_describes_every_address(service: Service) -> None:
    described = service.ask("GET", "/openapi.json").json()["paths"]
    assert {"/v1/predict", "/v1/models", "/v1/models/{which}/predict", "/v1/sessions"} <= set(described)
    assert b"openapi.json" in service.ask("GET", "/docs").body


def test_a_request_keeps_its_id_and_its_version(service: Service) -> None:
    first = [service.predict(identifier=f"user-{number}") for number in range(20)]
    again = [service.predict(identifier=f"user-{number}") for number in range(20)]
    assert [answer.headers["x-request-id"] for answer in first] == [f"user-{number}" for number in range(20)]
    assert [answer.json()["version"] for answer in first] == [answer.json()["version"] for answer in again]


def test_the_canary_gets_its_fraction(service: Service, published: list[Version]) -> None:
    requests, connection, canary = 400, Connection(service.port), 0
    for number in range(requests):
        answer = connection.ask("POST", "/v1/predict", b'{"text": "oak"}', {"x-request-id": f"canary {number}"})
        canary += answer.json()["version"] == published[1].number
    connection.close()
    # The ids are fixed, so this never fails by chance
    assert abs(canary - CANARY * requests) < 4 * math.sqrt(requests * CANARY * (1 - CANARY))


def test_metrics_count_every_request_and_every_copy_for_the_shadow(
    service: Service, published: list[Version]
) -> None:
    def total(metrics: dict[str, float], start: str) -> float:
        return sum(value for name, value in metrics.items() if name.startswith(start))

    before, texts = service.metrics(), ["the dog", "an oak", "dog oak"]
    for number in range(30):
        assert service.ask("POST", "/v1/predict", {"texts": texts}, {"x-request-id": f"{number}"}).status == 200
    for _ in range(5):
        assert service.ask("POST", "/v1/predict", b"{").status == 422

    def grown(start: str) -> float:
        return total(service.metrics(), start) - total(before, start)

    assert grown('carousel_requests_total{endpoint="predict",status="200"}') == 30
    assert grown('carousel_requests_total{endpoint="predict",status="422"}') == 5
    assert grown('carousel_request_seconds_count{endpoint="predict"}') == 35
    assert grown("carousel_predictions_total") == 90
    assert grown("carousel_batch_texts_sum") == 90
    champion = grown(f'carousel_predictions_total{{role="champion",version="{published[0].number}"}}')
    assert 0 < champion < 90
    answered = total(
        service.metrics(), f'carousel_predictions_total{{role="champion",version="{published[0].number}"}}'
    )
    service.wait(lambda: total(service.metrics(), "carousel_shadow_total") == answered, "copies are missing")
    assert total(service.metrics(), 'carousel_shadow_total{result="failed"') == 0


def test_a_champion_is_swapped_and_taken_back_without_a_lost_request(
    registry: Registry, service: Service, published: list[Version]
) -> None:
    one, _, _, other = (version.number for version in published)
    with service.under_load() as load:
        for number in (other, one, other):
            point(registry.client, NAME, "champion", number)
            service.wait_for_champion(number)
            answered = load.answers[200, number]
            service.wait(lambda number=number, answered=answered: load.answers[200, number] > answered, "no answer")
    assert load.lost == []
    assert {status for status, _ in load.answers} == {200}


def test_a_damaged_version_is_never_swapped_in(
    registry: Registry, service: Service, published: list[Version]
) -> None:
    damaged = registry.enter(NAME, 77)
    vocabulary = next(Path.cwd().glob(f"mlruns/**/{damaged.run_id}/artifacts/model/artifacts/bundle/vocab.txt"))
    vocabulary.write_text(vocabulary.read_text("utf-8").replace("oak", "elm"), "utf-8")
    with service.under_load(clients=2) as load:
        point(registry.client, NAME, "champion", damaged.number)
        service.wait(lambda: str(damaged.number) in str(_not_served(service)), "no failure is told")
    assert load.lost == []
    assert service.champion() == published[0].number
    assert "vocab.txt" in _not_served(service)[str(damaged.number)]
    assert service.metrics()[f'carousel_version_not_served{{version="{damaged.number}"}}'] == 1
    assert service.ask("GET", "/health/ready").json()["not_served"].keys() == {str(damaged.number)}
    point(registry.client, NAME, "challenger", published[1].number)


def _not_served(service: Service) -> dict[str, str]:
    return service.ask("GET", "/v1/models").json()["not_served"]


def test_no_text_is_logged(service: Service) -> None:
    service.predict("secret words")
    service.ask("POST", "/v1/predict", b'{"text": "secret words", "x": 1}')
    service.ask("POST", "/v1/predict", b'{"text": secret words')
    assert "secret" not in service.log.read_text()


@pytest.fixture(scope="module")
def streaming(registry: Registry) -> Iterator[Service]:
    """Two processes, which serve a model of one direction to those who know a token."""
    for seed in range(2):
        publish(registry.client, "stream", one_way_classifier(seed), step=True)
    point(registry.client, "stream", "champion", 1)
    Path("token").write_text("open-sesame\n", "utf-8")
    options = ("--processes", "2", "--max-sessions", "3", "--token-file", "token")
    with running(Path.cwd(), "stream", *options, token="open-sesame") as found:
        yield found


PIECES = ["the dog", "oak oak cat", "", "the the dog."]


def begin(service: Service, change: str) -> str:
    answer = service.ask("POST", "/v1/sessions", {"on_version_change": change})
    assert answer.status == 201
    return f"/v1/sessions/{answer.json()['session']}"


def probabilities(service: Service, text: str) -> dict[str, float]:
    return service.predict(text).json()["predictions"][0]["probabilities"]


def test_a_session_equals_the_whole_text_in_any_process(streaming: Service) -> None:
    session = begin(streaming, "refuse")
    for number in range(len(PIECES)):
        answer = streaming.ask("POST", session, {"text": PIECES[number]}).json()
        whole = probabilities(streaming, " ".join(PIECES[: number + 1]))
        assert answer["prediction"]["probabilities"] == pytest.approx(whole, abs=1e-5)
    assert streaming.ask("GET", session).json()["calls"] == len(PIECES)
    assert streaming.ask("DELETE", session).status == 200
    assert streaming.ask("POST", session, {"text": "dog"}).status == 404


def test_there_are_no_more_sessions_than_the_limit(streaming: Service) -> None:
    sessions = [begin(streaming, "refuse") for _ in range(3)]
    refused = streaming.ask("POST", "/v1/sessions")
    assert (refused.status, "retry-after" in refused.headers) == (429, True)
    assert streaming.metrics()["carousel_sessions"] == 3
    for session in sessions:
        assert streaming.ask("DELETE", session).status == 200


def test_a_session_is_replayed_or_refused_when_its_version_leaves(registry: Registry, streaming: Service) -> None:
    kept, refused = begin(streaming, "replay"), begin(streaming, "refuse")
    for piece in PIECES[:2]:
        for session in (kept, refused):
            assert streaming.ask("POST", session, {"text": piece}).status == 200
    point(registry.client, "stream", "champion", 2)
    streaming.wait(lambda: {streaming.champion() for _ in range(10)} == {2}, "version 2 never answered")
    answer = streaming.ask("POST", kept, {"text": PIECES[3]}).json()
    assert (answer["version"], answer["replayed"]) == (2, True)
    whole = probabilities(streaming, " ".join([*PIECES[:2], PIECES[3]]))
    assert answer["prediction"]["probabilities"] == pytest.approx(whole, abs=1e-5)
    assert streaming.ask("POST", kept, {"text": "oak"}).json()["replayed"] is False
    left = streaming.ask("POST", refused, {"text": "oak"})
    assert (left.status, "version 1" in left.json()["error"]) == (409, True)
    assert streaming.ask("DELETE", kept).status == streaming.ask("DELETE", refused).status == 200


def test_health_needs_no_token_and_the_rest_does(streaming: Service) -> None:
    stranger = {"authorization": ""}
    assert streaming.ask("GET", "/health/live", headers=stranger).status == 200
    assert streaming.ask("GET", "/metrics", headers=stranger).headers["www-authenticate"] == "Bearer"
    for given in ("", "Bearer", "Bearer open", "Basic open-sesame"):
        refused = streaming.ask("POST", "/v1/predict", {"text": "oak"}, {"authorization": given})
        assert refused.status == 401
    assert streaming.predict().status == 200


def test_sigterm_loses_no_request(streaming: Service) -> None:
    """The last test: it ends the service of two processes."""
    idle = Connection(streaming.port)
    with streaming.under_load() as load:
        streaming.wait(lambda: len(load.seconds) > 50, "no answers")
        streaming.process.terminate()
        while (answer := idle.ask("GET", "/health/ready")).status == 200:
            time.sleep(0.01)
        assert answer.json() == {"status": "draining"}
        assert answer.headers["connection"] == "close"
        streaming.process.join()
    idle.close()
    assert streaming.process.exitcode == 0
    store = ProfileStore(streaming.state)
    counted = sum(day.examples for version in store.versions() for day in store.days(version).values())
    assert counted >= len(load.seconds)  # of this test alone
    assert load.lost == []
    assert {status for status, _ in load.answers} == {200}
