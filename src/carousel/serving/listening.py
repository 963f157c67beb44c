"""The socket that all worker processes accept connections from."""

import ctypes
import socket
import struct
import sys

from carousel.errors import UserError

BACKLOG = 2048
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of asm-generic/socket.h
# A classic BPF program over a TCP header: drops a segment with SYN and without ACK, which asks for a new connection
_NO_NEW_CONNECTIONS = (
    (0x30, 0, 0, 13),  # A = flags
    (0x54, 0, 0, 0x12),  # A &= SYN | ACK
    (0x15, 0, 1, 0x02),  # if A == SYN
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # else take all of it
)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        UserError: when the address cannot be used.
    """
    bound: socket.socket | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        if bound is not None:
            bound.close()
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{host}:{port}: cannot be used ({reason}); give another --port, or another --host"
        ) from error
    return bound


def refuse_new(listener: socket.socket) -> None:
    """Let no new connection into the accept queue, while those in it wait to be accepted.

    Closing a listening socket resets the connections in its queue, whose clients may have sent requests already.
    With no new ones, the queue can be emptied first. A client that connects in the meantime tries again, and is
    refused once the socket is closed. Other systems than Linux have no such filter: there the moment between the
    last accepted connection and closing remains.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in _NO_NEW_CONNECTIONS))
    listener.setsockopt(
        socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(_NO_NEW_CONNECTIONS), ctypes.addressof(program))
    )
