"""Shadow predictions: copies of requests, predicted in a process of its own, compared and counted.

A worker writes a copy to a socket if it can at once, and drops it if it cannot: no request ever waits for a shadow.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carousel.serving import metrics
from carousel.serving.commands import closed
from carousel.serving.deployment import Deployed, Deployment, stamp
from carousel.serving.log import reason_of, set_up
from carousel.serving.models import POLL, ready
from carousel.serving.settings import Settings

if TYPE_CHECKING:
    from carousel.predictor import Predictor

MAX_BUFFER = 4 << 20  # bytes that a worker's copies may wait in
MAX_WAITING = 1_000  # texts that wait for the shadow
AT_ONCE = 16
RECONNECT = 0.5  # seconds
log = logging.getLogger("carousel.serving")


class Sender:
    """A worker's end.

    Args:
        path: of the shadow process's socket.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._transport: asyncio.WriteTransport | None = None

    async def keep_connected(self) -> None:
        """Connect, and again whenever the other end is gone, for ever."""
        while True:
            if self._transport is None or self._transport.is_closing():
                with contextlib.suppress(OSError):
                    loop = asyncio.get_running_loop()
                    self._transport, _ = await loop.create_unix_connection(asyncio.Protocol, self._path)
            await asyncio.sleep(RECONNECT)

    def send(self, version: int, shadow: int, inputs: list[Any], summaries: list[str]) -> None:
        """Copy inputs and what was answered, or drop them."""
        transport = self._transport
        if (
            transport is None
            or transport.is_closing()
            or (waiting := transport.get_write_buffer_size()) > MAX_BUFFER
        ):
            metrics.SHADOW.labels(str(version), str(shadow), "dropped").inc(len(inputs))
            return
        line = json.dumps([version, shadow, inputs, summaries]).encode("ascii") + b"\n"
        if waiting + len(line) > MAX_BUFFER:
            metrics.SHADOW.labels(str(version), str(shadow), "dropped").inc(len(inputs))
            return
        transport.write(line)


class Receiver:
    """The shadow process: predicts what it gets, and counts agreement.

    Args:
        deployment: file that names the shadow.
        load: makes the predictor of an exported model.
    """

    def __init__(self, deployment: Path, load: "Callable[[Path], Predictor]") -> None:
        self._deployment, self._load = deployment, load
        self._predictors: dict[int, Predictor] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._waiting: deque[tuple[int, int, Any, str]] = deque()
        self._arrived = asyncio.Event()

    async def follow(self) -> None:
        """Load the shadow whenever the deployment changes, for ever."""
        seen = (0, 0, 0)
        while True:
            if (found := stamp(self._deployment)) not in (seen, (0, 0, 0)):
                seen = found
                await self._take(Deployment.load(self._deployment).shadow)
            metrics.RESIDENT.set(metrics.resident_bytes())
            await asyncio.sleep(POLL)

    async def _take(self, shadow: Deployed | None) -> None:
        if shadow is not None and shadow.number in self._predictors:
            return
        for number in self._predictors:
            metrics.SERVED.labels(str(number), "shadow").set(0)
        self._predictors = {}
        if shadow is None:
            return
        try:
            self._predictors = {shadow.number: await asyncio.to_thread(ready, self._load, shadow)}
        except Exception as error:  # noqa: BLE001 - requests are answered without a shadow
            metrics.LOAD_FAILURES.labels(str(shadow.number)).inc()
            log.error("shadow version %d was not loaded: %s", shadow.number, reason_of(error))
            return
        metrics.SERVED.labels(str(shadow.number), "shadow").set(1)
        log.info("serves version %d as shadow", shadow.number)

    async def read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Queue what a worker sends; what the queue has no room for is dropped."""
        self._writers.add(writer)
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                version, shadow, inputs, summaries = json.loads(line)
                for given, summary in zip(inputs, summaries, strict=True):
                    if len(self._waiting) >= MAX_WAITING:
                        metrics.SHADOW.labels(str(version), str(shadow), "dropped").inc()
                        continue
                    self._waiting.append((version, shadow, given, summary))
                self._arrived.set()
        self._writers.discard(writer)
        writer.close()

    async def close(self) -> None:
        """Close the connections to workers, and wait until nothing reads from them."""
        while self._writers:
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.sleep(0.01)

    async def predict(self) -> None:
        """Predict what is queued, for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                for shadow in {one[1] for one in taken}:
                    await self._compare(shadow, [one for one in taken if one[1] == shadow])

    async def _compare(self, shadow: int, taken: list[tuple[int, int, Any, str]]) -> None:
        predictor = self._predictors.get(shadow)
        results = ["dropped"] * len(taken)
        if predictor is not None:
            results = ["failed"] * len(taken)
            try:
                predicted = await asyncio.to_thread(predictor.predict, [given for _, _, given, _ in taken])
                agreed = [one.summary == summary for one, (_, _, _, summary) in zip(predicted, taken, strict=True)]
                results = ["agree" if same else "disagree" for same in agreed]
            except Exception as error:  # noqa: BLE001 - counted; requests were answered long ago
                log.error("shadow version %d failed: %s", shadow, reason_of(error))
        for (version, _, _, _), result in zip(taken, results, strict=True):
            metrics.SHADOW.labels(str(version), str(shadow), result).inc()


async def _serve(settings: Settings, listener: socket.socket) -> None:
    from carousel.runtime import load

    receiver = Receiver(settings.deployment, load)
    server = await asyncio.start_unix_server(receiver.read, sock=listener, limit=2 * MAX_BUFFER)
    tasks = [asyncio.create_task(one) for one in (receiver.follow(), receiver.predict())]
    await closed()
    server.close()
    await receiver.close()
    for task in tasks:
        task.cancel()


def main() -> None:
    """Run the process: `python -m carousel.serving.shadow SETTINGS FD`."""
    set_up("shadow")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the supervisor ends it
    os.nice(19)
    settings, listener = Settings.load(Path(sys.argv[1])), socket.socket(fileno=int(sys.argv[2]))
    asyncio.run(_serve(settings, listener))


if __name__ == "__main__":
    main()
