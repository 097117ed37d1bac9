"""Gathers the images of several requests into one run of the model, which costs less than a run for each."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np


@dataclass
class _Item:
    pixels: np.ndarray
    done: asyncio.Future
    since: float = field(default_factory=time.perf_counter)


class Batcher:
    """Runs a model on batches, one after the other, in a thread of its own.

    Parameters
    ----------
    run : callable
        From pixels uint8 [n, S, S, C] to an array [n], such as `answers.judge` returns.
    largest : int
        Images in one run, > 0; an item that has more is run in parts.
    longest_wait : float
        Seconds for which a batch that is not full waits for images that are on their way; it waits for nothing else.
    observe : callable
        Told, after each run, its images, its seconds, and the seconds that each item waited before it.
    """

    def __init__(self, run: Callable, largest: int, longest_wait: float, observe: Callable):
        self._run = run
        self._largest = largest
        self._longest_wait = longest_wait
        self._observe = observe
        self._waiting: deque[_Item] = deque()
        self._coming = 0
        self._changed = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "model")
        self._worker = asyncio.create_task(self._work())

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Let batches wait for an image that is being decoded within the `with` block."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1
            self._changed.set()

    async def predict(self, pixels: np.ndarray) -> np.ndarray:
        """Return what `run` does of pixels uint8 [n, S, S, C], n > 0."""
        item = _Item(pixels, asyncio.get_running_loop().create_future())
        self._waiting.append(item)
        self._changed.set()
        return await item.done

    def close(self) -> None:
        """Stop; nothing may wait for an answer any more."""
        self._worker.cancel()
        self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._gather(loop)
            batch = self._take()
            if not batch:
                continue
            started = time.perf_counter()
            try:
                results = await loop.run_in_executor(self._thread, self._compute, [item.pixels for item in batch])
            except Exception as error:
                _fail(batch, error)
                continue
            self._observe(
                sum(map(len, results)), time.perf_counter() - started, [started - item.since for item in batch]
            )
            for item, probabilities in zip(batch, results, strict=True):
                if not item.done.done():
                    item.done.set_result(probabilities)

    async def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until there is an image, then for as long as a batch may."""
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        timer = None
        until = loop.time() + self._longest_wait
        while self._coming and self._images() < self._largest and loop.time() < until:
            self._changed.clear()
            timer = timer or loop.call_at(until, self._changed.set)
            await self._changed.wait()
        if timer:
            timer.cancel()

    def _images(self) -> int:
        return sum(len(item.pixels) for item in self._waiting)

    def _take(self) -> list[_Item]:
        """Take what is waiting, up to the largest batch, without what nobody waits for any more."""
        batch = []
        images = 0
        while self._waiting and (not batch or images + len(self._waiting[0].pixels) <= self._largest):
            item = self._waiting.popleft()
            if not item.done.done():
                batch.append(item)
                images += len(item.pixels)
        return batch

    def _compute(self, parts: list[np.ndarray]) -> list[np.ndarray]:
        pixels = parts[0] if len(parts) == 1 else np.concatenate(parts)
        starts = range(0, len(pixels), self._largest)
        found = np.concatenate([self._run(pixels[start : start + self._largest]) for start in starts])
        ends = accumulate(map(len, parts))
        return [found[end - len(part) : end] for part, end in zip(parts, ends, strict=True)]


def _fail(batch: list[_Item], error: Exception) -> None:
    for item in batch:
        if not item.done.done():
            item.done.set_exception(error)
