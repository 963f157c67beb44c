"""Processes that train trials side by side. They import and map the data once, and are replaced now and then."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType

from carousel.params import Hparams, replace
from carousel.search.messages import Died, Ended, Epoch, Work


@dataclass
class Worker:
    """A worker process, the trial that it has (its id in the storage), and how many it had."""

    process: BaseProcess
    connection: Connection
    trial: int | None = None
    trials: int = 0


class Workers:
    """At most so many worker processes; they start when there is work for them.

    Args:
        work: what each of them is told.
        recycle: a worker is replaced after so many trials.
    """

    def __init__(self, work: Work, recycle: int) -> None:
        self.work = work
        self.recycle = recycle
        self.all: list[Worker] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for worker in self.all:
            worker.process.kill()  # it holds nothing that is not kept elsewhere
        for worker in self.all:
            self._on_exit(worker)

    @property
    def free(self) -> int:
        """How many more trials could be given now."""
        return self.work.workers - len(self.busy)

    @property
    def busy(self) -> list[int]:
        """The trials that are being trained."""
        return [worker.trial for worker in self.all if worker.trial is not None]

    def give(self, trial: int, hparams: Hparams) -> None:
        """Let a free worker train a trial."""
        worker = next((worker for worker in self.all if worker.trial is None), None) or self._start()
        worker.trial, worker.trials = trial, worker.trials + 1
        with suppress(OSError):  # it died before it was asked; `messages` tells
            worker.connection.send(hparams)

    def answer(self, trial: int, *, go_on: bool) -> None:
        """Answer the report of an epoch."""
        worker = next(worker for worker in self.all if worker.trial == trial)
        with suppress(OSError):  # as in `give`
            worker.connection.send(go_on)

    def messages(self, seconds: float) -> Iterator[tuple[int, Epoch | Ended | Died]]:
        """Yield what trials have to say, after waiting for so long at most."""
        by_connection = {worker.connection: worker for worker in self.all if worker.trial is not None}
        for ready in wait(list(by_connection), seconds):
            assert isinstance(ready, Connection)
            worker = by_connection[ready]
            assert worker.trial is not None
            trial, message = worker.trial, self._receive(worker)
            if not isinstance(message, Epoch):
                worker.trial = None
                if isinstance(message, Died) or worker.trials >= self.recycle:
                    self.all.remove(worker)
                    self._on_exit(worker)
            yield trial, message

    def _receive(self, worker: Worker) -> Epoch | Ended | Died:
        try:
            message: Epoch | Ended = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            return Died(worker.process.exitcode)
        return message

    def _start(self) -> Worker:
        # A forked process would lack the threads of the one that it was forked from
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self.work), name="sweep worker", daemon=True)
        process.start()
        theirs.close()
        self.all.append(Worker(process, ours))
        return self.all[-1]

    @staticmethod
    def _on_exit(worker: Worker) -> None:
        worker.connection.close()  # a worker that waits for its next trial ends now
        worker.process.join(10)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()


def serve(connection: Connection, work: Work) -> None:
    """Train the trials that come through the connection, until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sweep, which then ends its workers
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    import torch

    from carousel.search.trial import attempt
    from carousel.task import find
    from carousel.training import budget

    torch.set_num_threads(max(1, torch.get_num_threads() // work.workers))
    task, whole = find(work.data.task), work.data.load()
    data = whole.sample(work.fraction, work.seed)
    batch_tokens = budget.batch_tokens(whole.train.tokens)  # the training's own, which the learning rate goes with

    def report(epoch: Epoch) -> bool:
        connection.send(epoch)
        return bool(connection.recv())

    while True:
        try:
            hparams = connection.recv()
        except EOFError:
            return
        sized = replace(hparams, {"train.batch_tokens": hparams.train.batch_tokens or batch_tokens})
        connection.send(attempt(task, sized, data, work.objectives, report))


def _leave_with_parent() -> None:
    """End the process when the sweep's has ended, however it did."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
