"""Images go through a network in parts, which become smaller where a device has no memory for them."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import TypeVar

import torch
from tqdm import tqdm

from sightline.common.errors import SightlineError

Result = TypeVar("Result")


class Parts:
    """Images in parts of a size that is halved, for good, when a device runs out of memory.

    Parameters
    ----------
    at_once : int
        Images a part, > 0, as `images_at_once` gives them.
    """

    def __init__(self, at_once: int):
        self.at_once = at_once

    def over(self, count: int, compute: Callable[[slice], Result]) -> Iterator[Result]:
        """Yield what `compute` makes of each part of so many images, in their order.

        Raises
        ------
        SightlineError
            There is no memory for a single image.
        """
        start = 0
        while start < count:
            part = slice(start, min(start + self.at_once, count))
            try:
                result = compute(part)
            except torch.OutOfMemoryError:
                self._halve(part.stop - part.start)
                continue  # only now is freed what the attempt held
            yield result
            start = part.stop

    def _halve(self, images: int) -> None:
        if images == 1:
            raise SightlineError(
                "out of memory: the device has none left for a single image: end what else runs on it, or take a "
                "smaller network or input_size"
            ) from None
        self.at_once = images // 2
        say_halved()


@cache
def say_halved() -> None:
    """Print, the first time in a process, that parts are smaller than the budget allows."""
    tqdm.write("out of memory: the device cannot hold a batch of memory_mb: halved, and again where that is too much")
