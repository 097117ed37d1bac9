"""Gathers images into batches by `serve.batch` of Ray, in place of sightline.serving.batcher."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from ray import serve


class _Item(NamedTuple):
    pixels: np.ndarray
    since: float


class RayBatcher:
    """What Batcher is, for a replica of Ray Serve.

    Parameters
    ----------
    run, largest, longest_wait, observe
        As Batcher's; but a batch that is not full waits `longest_wait` seconds whether or not an image is on its way.
    """

    def __init__(self, run: Callable, largest: int, longest_wait: float, observe: Callable):
        self._run = run
        self._largest = largest
        self._observe = observe
        self._thread = ThreadPoolExecutor(1, "model")
        self._batched = serve.batch(
            max_batch_size=largest, batch_wait_timeout_s=longest_wait, batch_size_fn=_count_images
        )(self._compute_batch)

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Do nothing: batches of Ray wait for the clock alone."""
        yield

    async def predict(self, pixels: np.ndarray) -> np.ndarray:
        """Return what `run` does of pixels uint8 [n, S, S, C], n > 0."""
        starts = range(0, len(pixels), self._largest)  # Ray refuses an item that is larger than a batch
        parts = [_Item(pixels[start : start + self._largest], time.perf_counter()) for start in starts]
        return np.concatenate(await asyncio.gather(*[self._batched(part) for part in parts]))

    def close(self) -> None:
        """Stop; nothing may wait for an answer any more."""
        self._thread.shutdown(wait=False)
        self._run = None  # Ray keeps its queue, which would keep the model

    async def _compute_batch(self, items: list[_Item]) -> list[np.ndarray]:
        started = time.perf_counter()
        pixels = np.concatenate([item.pixels for item in items])
        found = await asyncio.get_running_loop().run_in_executor(self._thread, self._run, pixels)
        self._observe(len(found), time.perf_counter() - started, [started - item.since for item in items])
        return np.split(found, np.cumsum([len(item.pixels) for item in items])[:-1])


def _count_images(items: list[_Item]) -> int:
    return sum(len(item.pixels) for item in items)
