"""Decodes in a few threads; small files go several to one turn, since to hand one over costs more than to decode it."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

TURN = 1 << 16  # bytes of the files that one turn takes; a larger file has its own


class Decoders:
    """A pool of `threads` threads that turn files into pixels, in the order in which they come."""

    def __init__(self, threads: int):
        self._pool = ThreadPoolExecutor(threads, "decode")
        self._threads = threads
        self._idle = threads
        self._waiting: deque[tuple[Callable, bytes, asyncio.Future]] = deque()

    @property
    def busy(self) -> bool:
        """Whether a thread works."""
        return self._idle < self._threads

    async def decode(self, work: Callable[[bytes], np.ndarray], file: bytes) -> np.ndarray:
        """Return what `work` makes of a file, called in a thread; raises BadImageError as it does."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((work, file, done))
        if self._idle:
            self._idle -= 1
            self._next(asyncio.get_running_loop())
        return await done

    def close(self) -> None:
        """Stop; nobody may wait any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give a thread its next turn, or let it idle."""
        turn = self._take()
        if not turn:
            self._idle += 1
            return
        self._pool.submit(self._work, loop, turn)

    def _take(self) -> list[tuple[Callable, bytes, asyncio.Future]]:
        turn = []
        size = 0
        while self._waiting and (not turn or size + len(self._waiting[0][1]) <= TURN):
            item = self._waiting.popleft()
            if not item[2].done():  # somebody still waits for it
                turn.append(item)
                size += len(item[1])
        return turn

    def _work(self, loop: asyncio.AbstractEventLoop, turn: list[tuple[Callable, bytes, asyncio.Future]]) -> None:
        results = [(done, _attempt(work, file)) for work, file, done in turn]
        loop.call_soon_threadsafe(self._finish, loop, results)

    def _finish(self, loop: asyncio.AbstractEventLoop, results: list[tuple[asyncio.Future, object]]) -> None:
        self._next(loop)
        for done, result in results:
            if done.done():
                continue
            if isinstance(result, BaseException):
                done.set_exception(result)
            else:
                done.set_result(result)


def _attempt(work: Callable, file: bytes) -> object:
    try:
        return work(file)
    except Exception as error:  # is raised again where the file is waited for
        return error
