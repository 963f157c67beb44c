"""A worker process: loads exported models, and answers requests. It imports neither torch nor MLflow."""

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

from carousel.drift.counting import DailyCounts
from carousel.drift.store import ProfileStore
from carousel.errors import UserError
from carousel.runtime import load
from carousel.serving import commands, metrics
from carousel.serving.app import App
from carousel.serving.batching import Batcher
from carousel.serving.endpoints import Endpoints
from carousel.serving.log import set_up
from carousel.serving.models import Models
from carousel.serving.schema import read_pages
from carousel.serving.server import Server
from carousel.serving.session_store import SessionStore
from carousel.serving.sessions import Sessions, stepper_of
from carousel.serving.settings import TOKEN, Settings
from carousel.serving.shadow import Sender

TICK = 1.0  # seconds between two looks at queue and memory
EXPIRY = 30  # ticks between two looks for sessions that expired, and two writes of counts
log = logging.getLogger("carousel.serving")


async def serve(settings: Settings, listener: socket.socket, shadow: str, token: str) -> None:
    """Serve until the supervisor says so, or is gone.

    Args:
        settings: of the service.
        listener: that connections are accepted from.
        shadow: path of the shadow process's socket; empty without one.
        token: that clients have to send; empty if none is needed.
    """
    counts = DailyCounts(ProfileStore(settings.state), settings.name)
    models = Models(settings.deployment, load, counts)
    batcher = Batcher(settings.queue, settings.batch, metrics.BATCH.observe)
    store = SessionStore(
        settings.sessions, settings.session_seconds, settings.max_sessions, settings.max_session_bytes
    )
    sender = Sender(shadow) if shadow else None
    sessions = Sessions(store, stepper_of, settings.replay_bytes)
    endpoints = Endpoints(settings, models, batcher, sessions, store, sender, read_pages(settings))
    app = App(settings, endpoints, token)
    server = Server(app)

    async def obey() -> None:
        async for command in commands.commands():
            if command == commands.FINISH:
                break
            app.draining = endpoints.draining = True
            log.info("draining")
        app.draining = endpoints.draining = True
        server.should_exit = True

    def flush() -> None:
        try:
            counts.flush()
        except UserError as error:
            log.error("predictions could not be counted, and wait for the next time: %s", error)

    async def observe() -> None:
        for tick in range(1 << 62):
            metrics.QUEUE.set(batcher.waiting)
            metrics.RESIDENT.set(metrics.resident_bytes())
            if tick % EXPIRY == 0:
                await asyncio.to_thread(store.expire)
                await asyncio.to_thread(flush)
            await asyncio.sleep(TICK)

    tasks = [asyncio.create_task(one) for one in (obey(), observe(), models.follow())]
    if sender is not None:
        tasks.append(asyncio.create_task(sender.keep_connected()))
    for task in tasks:
        task.add_done_callback(_report)
    await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()
    batcher.close()
    store.close()
    flush()


def _report(task: "asyncio.Task[None]") -> None:
    """End the process when a task fails that should run for ever: the supervisor starts another one."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("a task failed", exc_info=error)
        os._exit(1)


def main() -> None:
    """Run the process: `python -m carousel.serving.worker SETTINGS FD [SHADOW]`."""
    set_up("worker")
    settings, listener = Settings.load(Path(sys.argv[1])), socket.socket(fileno=int(sys.argv[2]))
    listener.setblocking(False)
    shadow = sys.argv[3] if len(sys.argv) > 3 else ""
    asyncio.run(serve(settings, listener, shadow, os.environ.get(TOKEN, "")))


if __name__ == "__main__":
    main()
