"""Processor time that a thread may spend on what is good to have but not worth slowing a service down for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """A share of the passing time, saved up to `most` seconds."""

    def __init__(self, share: float, most: float):
        self._share = share
        self._most = most
        self._saved = most
        self._since = time.monotonic()

    def left(self) -> bool:
        """Tell whether there is any."""
        now = time.monotonic()
        self._saved = min(self._most, self._saved + self._share * (now - self._since))
        self._since = now
        return self._saved > 0

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Take off what this thread spends within the `with` block."""
        start = time.thread_time()
        yield
        self._saved -= time.thread_time() - start
