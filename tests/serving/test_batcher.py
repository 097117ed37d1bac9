import asyncio
import threading
import time

import numpy as np
import pytest

from sightline.serving.batcher import Batcher


def images(*numbers):
    return np.array(numbers, np.uint8).reshape(-1, 1, 1, 1)


class Model:
    """Doubles each image, and notes how many it got at once; held, it computes nothing before it is let go."""

    def __init__(self):
        self.batches = []
        self.free = threading.Event()
        self.free.set()

    def run(self, pixels):
        self.batches.append(len(pixels))
        assert self.free.wait(10)
        if (pixels == 99).any():
            raise ValueError("99")
        return 2.0 * pixels.reshape(len(pixels), 1)

    async def holding(self):
        """Wait until a batch is held."""
        while not self.batches:
            await asyncio.sleep(0.001)


def play(scene, model, largest=4, wait=0.05):
    """Run a scene with a batcher, and return what it returns and what the batcher observed."""
    observed = []

    async def run():
        batcher = Batcher(model.run, largest, wait, lambda *what: observed.append(what))
        try:
            return await asyncio.wait_for(scene(batcher), 20)
        finally:
            batcher.close()

    return asyncio.run(run()), observed


def test_what_comes_while_the_model_runs_goes_together_each_to_its_own():
    model = Model()
    model.free.clear()

    async def scene(batcher):
        first = asyncio.create_task(batcher.predict(images(1)))
        await model.holding()
        rest = [asyncio.create_task(batcher.predict(images(*numbers))) for numbers in ([2], [3, 4], [5], [6])]
        await asyncio.sleep(0.02)
        model.free.set()
        return await asyncio.gather(first, *rest)

    results, observed = play(scene, model)
    assert [result.ravel().tolist() for result in results] == [[2], [4], [6, 8], [10], [12]]
    assert model.batches == [1, 4, 1]  # 2, 3, 4, 5 are the largest batch
    assert [(count, len(waited)) for count, _, waited in observed] == [(1, 1), (4, 3), (1, 1)]
    assert observed[0][1] >= 0.02  # the model's seconds
    assert min(observed[1][2]) >= 0.02  # and those for which three items waited for it


def test_it_waits_for_what_is_being_decoded_and_for_nothing_else():
    model = Model()

    async def scene(batcher):
        start = time.perf_counter()
        await batcher.predict(images(1))
        alone = time.perf_counter() - start
        others = asyncio.Event()

        async def decoded(number, after):
            with batcher.expecting():
                await after
            return await batcher.predict(images(number))

        slow = asyncio.create_task(decoded(3, others.wait()))
        await asyncio.gather(decoded(1, asyncio.sleep(0)), decoded(2, asyncio.sleep(0.01)))
        others.set()
        await slow
        return alone

    alone, _ = play(scene, model, wait=1)
    assert alone < 1
    assert model.batches == [1, 2, 1]  # the third took longer than a batch waits


def test_more_than_the_largest_batch_is_run_in_parts():
    model = Model()
    (result, _) = play(lambda batcher: batcher.predict(images(*range(10))), model)
    assert result.ravel().tolist() == [2 * number for number in range(10)]
    assert model.batches == [4, 4, 2]


def test_an_error_is_that_of_its_batch_alone_and_who_left_is_not_computed():
    model = Model()
    model.free.clear()

    async def scene(batcher):
        bad = asyncio.create_task(batcher.predict(images(99)))
        await model.holding()
        left = asyncio.create_task(batcher.predict(images(7)))
        stayed = asyncio.create_task(batcher.predict(images(8)))
        await asyncio.sleep(0)
        left.cancel()
        model.free.set()
        with pytest.raises(ValueError, match="99"):
            await bad
        return await stayed

    result, _ = play(scene, model)
    assert result.ravel().tolist() == [16]
    assert model.batches == [1, 1]
