"""Loops that end, swap, kill and overload a real service."""

import os
import signal
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.registry import Registry, small_classifier
from tests.support.service import Service, point, publish, running

ATTEMPTS = 3  # other work on the machine may delay either of two measurements
pytestmark = pytest.mark.slow
NAME = "stress"
LONG = "the dog oak " * 2_000  # makes the model's share of a request large


@pytest.fixture(scope="module")
def published(registry: Registry) -> None:
    for seed in range(3):
        publish(registry.client, NAME, small_classifier(seed))
    point(registry.client, NAME, "champion", 1)


@pytest.fixture(scope="module", params=[1, 2])
def service(published: None, request: pytest.FixtureRequest) -> Iterator[Service]:
    with running(Path.cwd(), NAME, "--processes", str(request.param)) as found:
        yield found


def test_twenty_swaps_lose_no_request(registry: Registry, service: Service) -> None:
    with service.under_load() as load:
        for step in range(20):
            number = 2 - step % 2
            point(registry.client, NAME, "champion", number)
            service.wait(
                lambda number=number: all(service.champion() == number for _ in range(5)),
                "a version never answered",
            )
    assert load.lost == []
    assert {status for status, _ in load.answers} == {200}
    assert {version for _, version in load.answers} == {1, 2}


def test_twenty_sigterms_lose_no_request(registry: Registry, published: None) -> None:
    for step in range(20):
        with (
            running(Path.cwd(), NAME, "--processes", str(1 + step % 2)) as service,
            service.under_load() as load,
        ):
            service.wait(lambda load=load: len(load.seconds) > 20, "no answers")
            service.end()
        assert load.lost == []
        assert {status for status, _ in load.answers} == {200}


def test_killing_what_loads_a_version_leaves_the_old_one_answering(registry: Registry, service: Service) -> None:
    point(registry.client, NAME, "champion", 1)
    service.wait_for_champion(1)
    new = publish(registry.client, NAME, small_classifier(100 + len(service.workers())))
    with service.under_load() as load:
        point(registry.client, NAME, "champion", new.number)
        service.wait(lambda: _killed_probe(service), "no process loaded the version")
        service.wait(lambda: "killed by signal 9" in service.ask("GET", "/v1/models").body.decode(), "not told")
        assert service.champion() == 1
    assert load.lost == []
    assert {version for _, version in load.answers} == {1}
    point(registry.client, NAME, "champion", 1)


def _killed_probe(service: Service) -> bool:
    """Kill the process that loads a version for the first time, if there is one."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"carousel.serving.probe" in command and str(service.state).encode() in command:
            os.kill(int(entry.name), signal.SIGKILL)
            return True
    return False


def test_a_killed_worker_is_started_again(service: Service) -> None:
    workers = service.workers()
    os.kill(workers[0], signal.SIGKILL)
    service.wait(lambda: service.predict().status == 200, "no answer")
    service.wait(lambda: len(set(service.workers()) - {workers[0]}) == len(workers), "no worker was started")
    assert service.predict().status == 200


def test_five_times_overload_is_refused_with_503_and_delays_no_accepted_request_much(
    registry: Registry, published: None
) -> None:
    # Eight texts are predicted at once and four wait, so twelve clients are as many as can be answered
    def p99(clients: int) -> tuple[float, set[int]]:
        with service.under_load(clients=clients, text=LONG) as load:
            service.wait(lambda: len(load.seconds) > 600, "no answers")
        assert load.lost == []
        seconds = load.seconds[100:]  # the first are while all clients connect
        return statistics.quantiles(seconds, n=100)[98], {status for status, _ in load.answers}

    with running(Path.cwd(), NAME, "--processes", "1", "--queue", "4") as service:
        for _ in range(ATTEMPTS):
            (full, answered), (overloaded, refused) = p99(12), p99(60)
            assert answered <= {200, 503}
            assert refused == {200, 503}
            if overloaded < 2 * full:
                return
    raise AssertionError(f"p99 {overloaded:.3f} s, with as many clients as can be answered {full:.3f} s")
