"""uvicorn, with an end that loses no request."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Generator
from typing import Any

import uvicorn
from typing_extensions import override

IDLE_SECONDS = 1.0  # that a connection without a request stays open once the socket is closed
ANSWER_SECONDS = 30.0  # that requests may take to be answered then
KEEP_ALIVE = (
    75  # seconds; longer than that of common load balancers, so that they close idle connections, not this end
)


class Server(uvicorn.Server):
    """Serves one application on a socket that it shares, until `should_exit`.

    Args:
        app: an ASGI application.
    """

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE,
            )
        )

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # The supervisor says when to end: a signal to the whole process group must not end workers before it
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        yield

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in sockets or []:
            await self._accept_waiting(listener)
        for server in self.servers:
            server.close()
        connections = self.server_state.connections
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                while connections:  # each answer closes its connection; an idle one may just be sending
                    await asyncio.sleep(0.01)
        for connection in list(connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while connections or self.server_state.tasks:
                    await asyncio.sleep(0.01)

    async def _accept_waiting(self, listener: socket.socket) -> None:
        """Accept what is left in the queue: closing the socket would reset it."""
        loop = asyncio.get_running_loop()
        config = self.config

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
            )
            return made

        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:  # the queue is empty, or the client is gone
                return
            accepted.setblocking(False)
            with contextlib.suppress(OSError):
                await loop.connect_accepted_socket(protocol, accepted)
