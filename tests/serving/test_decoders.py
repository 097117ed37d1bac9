import asyncio
import threading
import time

import pytest

from sightline.serving.decoders import TURN, Decoders

SMALL = b"s" * 10
LARGE = b"l" * TURN


class Work:
    """Notes which thread got which file, and how many threads worked at once."""

    def __init__(self):
        self.files = []
        self.busy = 0
        self.most = 0

    def __call__(self, file):
        self.busy += 1
        self.most = max(self.most, self.busy)
        time.sleep(0.02)
        self.files.append((threading.get_ident(), file))
        self.busy -= 1
        if file == b"bad":
            raise ValueError("bad")
        return file * 2


def play(files, threads, work):
    async def run():
        decoders = Decoders(threads)
        try:
            tasks = [decoders.decode(work, file) for file in files]
            return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        finally:
            decoders.close()

    return asyncio.run(run())


def test_each_gets_its_own_result_and_an_error_is_that_of_its_file():
    work = Work()
    files = [SMALL, b"bad", b"x", LARGE, b"y"]
    found = play(files, 2, work)
    assert found[0] == SMALL * 2
    assert found[2:] == [b"xx", LARGE * 2, b"yy"]
    assert isinstance(found[1], ValueError)
    assert sorted(file for _, file in work.files) == sorted(files)


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_than_there_are_and_all_of_them_for_large_files(threads):
    work = Work()
    play([LARGE] * 6, threads, work)
    assert work.most == threads
    assert len({thread for thread, _ in work.files}) == threads


def test_what_nobody_waits_for_is_not_decoded():
    work = Work()

    async def run():
        decoders = Decoders(1)
        first = asyncio.create_task(decoders.decode(work, SMALL))
        await asyncio.sleep(0)
        left = asyncio.create_task(decoders.decode(work, b"left"))
        await asyncio.sleep(0)
        left.cancel()
        await first
        assert await decoders.decode(work, b"z") == b"zz"
        decoders.close()

    asyncio.run(run())
    assert [file for _, file in work.files] == [SMALL, b"z"]
