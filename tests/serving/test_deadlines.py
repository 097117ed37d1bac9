import asyncio

import pytest

from sightline.serving.http.deadlines import Deadlines

SECONDS = 0.05


async def wait_in(deadlines, seconds):
    """Wait that long within a block, and tell how it ended."""
    try:
        with deadlines.limit():
            await asyncio.sleep(seconds)
    except TimeoutError:
        return "late"
    return "in time"


def test_each_block_has_its_time_from_its_own_begin():
    async def run():
        deadlines = Deadlines(SECONDS)
        first = asyncio.create_task(wait_in(deadlines, 10))
        quick = asyncio.create_task(wait_in(deadlines, 0))
        await asyncio.sleep(0.6 * SECONDS)
        second = asyncio.create_task(wait_in(deadlines, 0.8 * SECONDS))  # past the first's end
        third = asyncio.create_task(wait_in(deadlines, 10))
        assert await asyncio.wait_for(first, 1) == "late"
        assert not (second.done() or third.done())
        return [await asyncio.wait_for(task, 1) for task in (quick, second, third)]

    assert asyncio.run(run()) == ["in time", "in time", "late"]


def test_who_is_cancelled_by_others_is_not_late():
    async def run():
        task = asyncio.create_task(wait_in(Deadlines(10), 10))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_what_ended_leaves_nothing_behind():
    async def run():
        deadlines = Deadlines(SECONDS)
        assert await wait_in(deadlines, 0) == "in time"
        await asyncio.sleep(2 * SECONDS)  # the timer of one that is gone
        return await wait_in(deadlines, 10)

    assert asyncio.run(run()) == "late"
