"""Dynamic batching: what is queued while the model predicts is predicted together next. There is no timer."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

Predict = Callable[[Sequence[Any]], Sequence[Any]]


class QueueFullError(Exception):
    """More texts are waiting than the queue takes."""


@dataclass(eq=False)
class _Waiting:
    predict: Predict
    inputs: Sequence[Any]
    result: "asyncio.Future[Sequence[Any]]"


class Batcher:
    """A model thread and the queue before it. Its methods belong to the event loop's thread.

    Args:
        queue: inputs that wait, at most. A request of more is taken by an empty queue.
        batch: inputs that are predicted at once, at most.
        on_batch: is told the size of each batch.
    """

    def __init__(self, queue: int, batch: int, on_batch: Callable[[int], None]) -> None:
        self._limit, self._batch, self._on_batch = queue, batch, on_batch
        self._queue: deque[_Waiting] = deque()
        self._busy = False
        self._work: SimpleQueue[tuple[Predict, list[_Waiting]] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self.waiting = 0
        threading.Thread(target=self._run, name="model", daemon=True).start()

    @property
    def is_full(self) -> bool:
        """Whether the queue takes nothing more."""
        return self.waiting >= self._limit

    def submit(self, predict: Predict, inputs: Sequence[Any]) -> "asyncio.Future[Sequence[Any]]":
        """Queue inputs, and return the future of their predictions.

        Args:
            predict: called with these inputs, and with those of others that wait for the same function.
            inputs: at least one.

        Raises:
            QueueFullError: when too many wait.
        """
        if self.waiting and self.waiting + len(inputs) > self._limit:
            raise QueueFullError
        waiting = _Waiting(predict, inputs, self._loop.create_future())
        self._queue.append(waiting)
        self.waiting += len(inputs)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)  # after the requests that arrived together with this one
        return waiting.result

    def _next(self) -> None:
        while self._queue and self._queue[0].result.done():  # its client is gone
            self.waiting -= len(self._queue.popleft().inputs)
        if not self._queue:
            self._busy = False
            return
        predict, size, taken = self._queue[0].predict, 0, list[_Waiting]()
        left: deque[_Waiting] = deque()
        while self._queue:
            one = self._queue.popleft()
            if one.predict == predict and (not taken or size + len(one.inputs) <= self._batch):
                taken.append(one)
                size += len(one.inputs)
            else:
                left.append(one)
        self._queue = left
        self.waiting -= size
        self._on_batch(size)
        self._work.put((predict, taken))

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            predict, taken = work
            error: Exception | None = None
            results: list[Sequence[Any]] = []
            try:
                inputs = [one for waiting in taken for one in waiting.inputs]
                found = list[Any]()
                for first in range(0, len(inputs), self._batch):
                    found += predict(inputs[first : first + self._batch])
                start = 0
                for waiting in taken:
                    results.append(found[start : start + len(waiting.inputs)])
                    start += len(waiting.inputs)
            except Exception as raised:  # noqa: BLE001 - each request of the batch gets it
                error = raised
            self._loop.call_soon_threadsafe(self._answer, taken, results, error)

    def _answer(self, taken: list[_Waiting], results: list[Sequence[Any]], error: Exception | None) -> None:
        for place, waiting in enumerate(taken):
            if waiting.result.done():
                continue
            if error is None:
                waiting.result.set_result(results[place])
            elif len(taken) == 1:
                waiting.result.set_exception(error)
            else:  # alone, so that one text that cannot be predicted fails no other request
                self._queue.append(waiting)
                self.waiting += len(waiting.inputs)
                waiting.predict = _Alone(waiting.predict)
        self._next()

    def close(self) -> None:
        """End the thread once it has predicted what it was given."""
        self._work.put(None)


class _Alone:
    """A function that shares no batch: it is equal to itself alone."""

    def __init__(self, predict: Predict) -> None:
        self._predict = predict

    def __call__(self, inputs: Sequence[Any]) -> Sequence[Any]:
        return self._predict(inputs)
