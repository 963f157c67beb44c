import socket
import sys

import pytest

from carousel.errors import UserError
from carousel.serving import listening


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such filter")
def test_connections_in_the_queue_are_kept_and_no_others_come() -> None:
    with listening.bind("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        early = socket.create_connection(address)
        early.sendall(b"sent before")
        listening.refuse_new(listener)
        late = socket.socket()
        late.settimeout(0.2)
        with pytest.raises(TimeoutError):
            late.connect(address)
        accepted, _ = listener.accept()
        assert accepted.recv(100) == b"sent before"
        accepted.sendall(b"answer")
        assert early.recv(100) == b"answer"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    for one in (early, late, accepted):
        one.close()


def test_a_port_that_is_taken_is_a_user_error() -> None:
    with listening.bind("127.0.0.1", 0) as listener, pytest.raises(UserError, match="--port"):
        listening.bind(*listener.getsockname())


def test_a_host_that_does_not_exist_is_a_user_error() -> None:
    with pytest.raises(UserError, match="--host"):
        listening.bind("no.such.host.invalid", 0)
