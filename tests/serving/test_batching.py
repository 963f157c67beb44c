import asyncio
import threading

import pytest

from carousel.serving.batching import Batcher, QueueFullError


class Model:
    """Doubles numbers once it may, and remembers its batches."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, inputs):
        self.may.wait(10)
        self.batches.append(list(inputs))
        if 13 in inputs:
            raise ValueError("13")
        return [2 * one for one in inputs]


def run(test) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


def test_what_waits_while_the_model_is_busy_is_predicted_together() -> None:
    async def test() -> None:
        model, sizes = Model(), list[int]()
        batcher = Batcher(100, 8, sizes.append)
        first = batcher.submit(model, [1])
        await asyncio.sleep(0.05)  # the model is busy with it
        others = [batcher.submit(model, [number, -number]) for number in range(2, 7)]
        assert batcher.waiting == 10
        model.may.set()
        assert await first == [2]
        assert [await one for one in others] == [[2 * n, -2 * n] for n in range(2, 7)]
        assert [len(batch) for batch in model.batches] == sizes == [1, 8, 2]
        batcher.close()

    run(test)


def test_requests_of_two_models_share_no_batch_and_keep_their_answers() -> None:
    async def test() -> None:
        one, other = Model(), Model()
        batcher = Batcher(100, 8, lambda size: None)
        waiting = [batcher.submit((one, other)[number % 2], [number]) for number in range(10)]
        one.may.set()
        other.may.set()
        assert [await result for result in waiting] == [[2 * number] for number in range(10)]
        assert one.batches == [[0, 2, 4, 6, 8]]
        assert other.batches == [[1, 3, 5, 7, 9]]
        batcher.close()

    run(test)


def test_a_full_queue_takes_no_more_and_an_empty_one_any_request() -> None:
    async def test() -> None:
        model = Model()
        batcher = Batcher(4, 8, lambda size: None)
        large = batcher.submit(model, range(9))
        await asyncio.sleep(0.05)
        waiting = batcher.submit(model, range(4))
        assert batcher.is_full
        with pytest.raises(QueueFullError):
            batcher.submit(model, [1])
        model.may.set()
        assert len(await large) == 9
        assert len(await waiting) == 4
        assert not batcher.is_full
        batcher.close()

    run(test)


def test_a_text_that_cannot_be_predicted_fails_its_own_request_alone() -> None:
    async def test() -> None:
        model = Model()
        batcher = Batcher(100, 8, lambda size: None)
        waiting = [batcher.submit(model, [number]) for number in (12, 13, 14)]
        model.may.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert found[0] == [24]
        assert isinstance(found[1], ValueError)
        assert found[2] == [28]
        batcher.close()

    run(test)


def test_a_request_whose_client_left_is_not_predicted() -> None:
    async def test() -> None:
        model = Model()
        batcher = Batcher(100, 1, lambda size: None)
        first, second, third = (batcher.submit(model, [number]) for number in range(3))
        await asyncio.sleep(0.05)
        second.cancel()
        model.may.set()
        assert (await first, await third) == ([0], [4])
        assert model.batches == [[0], [2]]
        assert batcher.waiting == 0
        batcher.close()

    run(test)
