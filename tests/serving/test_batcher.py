import asyncio
import time

import numpy as np
import pytest

from sightline.serving.batcher import Batcher


def images(*numbers):
    return np.array(numbers, np.uint8).reshape(-1, 1, 1, 1)


class Model:
    """Doubles each image, and notes how many it got at once."""

    def __init__(self, seconds=0.0):
        self.batches = []
        self.seconds = seconds

    def run(self, pixels):
        self.batches.append(len(pixels))
        time.sleep(self.seconds)
        if (pixels == 99).any():
            raise ValueError("99")
        return 2.0 * pixels.reshape(len(pixels), 1)


def play(scene, model, largest=4, wait=0.05):
    """Run a scene with a batcher, and return what it returns and what the batcher observed."""
    observed = []

    async def run():
        batcher = Batcher(model.run, largest, wait, lambda *what: observed.append(what))
        try:
            return await asyncio.wait_for(scene(batcher), 10)
        finally:
            batcher.close()

    return asyncio.run(run()), observed


def test_what_comes_while_the_model_runs_goes_together_each_to_its_own():
    model = Model(0.05)

    async def scene(batcher):
        first = asyncio.create_task(batcher.predict(images(1)))
        await asyncio.sleep(0.01)
        rest = [batcher.predict(images(*numbers)) for numbers in ([2], [3, 4], [5], [6])]
        return await asyncio.gather(first, *rest)

    results, observed = play(scene, model)
    assert [result.ravel().tolist() for result in results] == [[2], [4], [6, 8], [10], [12]]
    assert model.batches == [1, 4, 1]  # 2, 3, 4, 5 are the largest batch
    assert [what[0] for what in observed] == [1, 4, 1]
    assert all(0.05 < seconds < 0.5 for _, seconds, _ in observed)
    assert observed[1][2] == pytest.approx([0.04] * 3, abs=0.03)  # waited for the first


def test_it_waits_for_what_is_being_decoded_and_for_nothing_else():
    model = Model()

    async def scene(batcher):
        start = time.perf_counter()
        await batcher.predict(images(1))
        alone = time.perf_counter() - start

        async def decoded(number, seconds):
            with batcher.expecting():
                await asyncio.sleep(seconds)
            return await batcher.predict(images(number))

        await asyncio.gather(decoded(1, 0), decoded(2, 0.02), decoded(3, 1))
        return alone

    alone, _ = play(scene, model, wait=0.2)
    assert alone < 0.1
    assert model.batches == [1, 2, 1]  # the third took longer than a batch waits


def test_more_than_the_largest_batch_is_run_in_parts():
    model = Model()
    (result, _) = play(lambda batcher: batcher.predict(images(*range(10))), model)
    assert result.ravel().tolist() == [2 * number for number in range(10)]
    assert model.batches == [4, 4, 2]


def test_an_error_is_that_of_its_batch_alone_and_who_left_is_not_computed():
    model = Model(0.03)

    async def scene(batcher):
        bad = asyncio.create_task(batcher.predict(images(99)))
        await asyncio.sleep(0.01)
        left = asyncio.create_task(batcher.predict(images(7)))
        stayed = asyncio.create_task(batcher.predict(images(8)))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(ValueError, match="99"):
            await bad
        return await stayed

    result, _ = play(scene, model)
    assert result.ravel().tolist() == [16]
    assert model.batches == [1, 1]
