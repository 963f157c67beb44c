"""The supervisor: follows the registry, keeps worker processes alive, and ends them without a lost request."""

import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from carousel.errors import UserError
from carousel.serving import listening, schema
from carousel.serving.child_processes import Child
from carousel.serving.following import Follower
from carousel.serving.settings import TOKEN, Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

POLL = 1.0  # seconds between two questions to the registry
TICK = 0.1  # seconds between two looks at the processes
SETTLE = 0.1  # seconds in which a connection that was half open gets into the queue
END_SECONDS = 45.0
log = logging.getLogger("carousel.serving")


class Supervisor:
    """Runs a service until SIGTERM or SIGINT.

    Args:
        client: of the store.
        settings: of the service.
        listener: that its processes accept connections from.
        token: that clients have to send; empty if none is needed.
    """

    def __init__(self, client: "MlflowClient", settings: Settings, listener: socket.socket, token: str) -> None:
        self._client, self._settings, self._listener, self._token = client, settings, listener, token
        self._ending = threading.Event()
        self._signalled = False
        self._error: BaseException | None = None
        self._workers: list[Child] = []
        self._shadow: Child | None = None

    def run(self) -> None:
        """Serve, and return once every request was answered.

        Raises:
            UserError: when no version can be served, or another service uses the state folder.
        """
        settings = self._settings
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        with ExitStack() as stack:
            stack.enter_context(_exclusive(settings.state))
            settings.deployment.unlink(missing_ok=True)
            shutil.rmtree(settings.metrics, ignore_errors=True)
            settings.metrics.mkdir()
            settings.save()
            schema.write_pages(settings)
            self._start(stack)
            following = threading.Thread(target=self._follow, name="follower", daemon=True)
            following.start()
            while not (self._signalled or self._ending.wait(TICK)):
                for child in self._children:
                    if (died := child.look()) is not None:
                        self._forget(died)
            self._ending.set()
            self._drain()
        if self._error is not None:
            raise self._error

    @property
    def _children(self) -> list[Child]:
        return [*self._workers, *([self._shadow] if self._shadow else [])]

    def _start(self, stack: ExitStack) -> None:
        settings = self._settings
        environment = os.environ | {
            "PROMETHEUS_MULTIPROC_DIR": str(settings.metrics.absolute()),
            "OMP_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "1",  # glibc keeps what is freed by arena
            TOKEN: self._token,
        }
        file, path = str(settings.file), ""
        if settings.shadow:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="carousel-")
            )  # a socket's path is short
            path = str(Path(folder) / "shadow")
            pipe = stack.enter_context(socket.socket(socket.AF_UNIX))
            pipe.bind(path)
            pipe.listen()
            self._shadow = Child(
                "shadow", "carousel.serving.shadow", [file, str(pipe.fileno())], [pipe.fileno()], environment
            )
        fd = self._listener.fileno()
        arguments = [file, str(fd), *([path] if path else [])]
        self._workers = [
            Child("worker", "carousel.serving.worker", arguments, [fd], environment)
            for _ in range(settings.processes)
        ]

    def _follow(self) -> None:
        try:
            follower = Follower(self._client, self._settings)
            while not self._ending.is_set():
                follower.look()
                self._ending.wait(POLL)
        except BaseException as error:  # noqa: BLE001 - raised by `run`
            self._error = error
            self._ending.set()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True  # setting the event here could wait for the thread that was interrupted

    def _drain(self) -> None:
        """End the processes: say that the service is not ready, then take no connection, then answer the rest."""
        if self._error is None:
            log.info("draining")
            for child in self._workers:
                child.drain()
            time.sleep(self._settings.drain_seconds)
        listening.refuse_new(self._listener)
        time.sleep(SETTLE)
        for child in self._children:
            child.finish()
        until = time.monotonic() + END_SECONDS
        for child in self._children:
            child.wait(until)
        self._listener.close()
        log.info("ended")

    def _forget(self, pid: int) -> None:
        """Remove a dead process's share of what is only of living ones; its counters stay."""
        for kind in ("livesum", "livemax", "liveall"):
            for file in self._settings.metrics.glob(f"gauge_{kind}_{pid}.db"):
                file.unlink()


def _exclusive(state: Path) -> FileLock:
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / "service.lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(f"{state}: another `carousel serve` uses it; give this one another --state") from error
    except OSError as error:
        raise UserError(f"{state}: cannot be written: {error.strerror}; give another --state") from error
    return lock
