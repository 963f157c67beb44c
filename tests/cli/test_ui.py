"""`carousel ui`, up to where MLflow's server takes over."""

import socket
import subprocess

import pytest

from tests.conftest import Checkout
from tests.registry.test_pyfunc import wait_until_up

pytestmark = pytest.mark.pipeline


def test_a_port_that_is_taken_is_one_line(finished: Checkout) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        printed = finished.run("carousel", "ui", "--port", str(port), code=2)
    assert printed.startswith(f"error: port {port} cannot be used")
    assert "make ui PORT=" in printed
    assert len(printed.splitlines()) == 1


def test_the_address_is_printed_before_the_server_starts(finished: Checkout) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        ["carousel", "ui", "--port", str(port)],
        cwd=finished.path,
        env=finished.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            wait_until_up(f"http://127.0.0.1:{port}/health")
            assert server.stdout is not None
            assert server.stdout.readline().startswith(f"open http://127.0.0.1:{port}/#/experiments/")
        finally:
            server.terminate()
