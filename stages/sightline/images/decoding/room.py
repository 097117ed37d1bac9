"""A bound on the pixels that threads hold decoded at once, so that memory does not grow with the largest files."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Room:
    """Room for `most` pixels: who finds too little left waits until others leave.

    What is larger than the whole room has it alone.
    """

    def __init__(self, most: int):
        self._most = most
        self._free = most
        self._left = Condition()

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Hold room for `pixels` within the `with` block; a thread that holds some must not ask for more."""
        share = min(pixels, self._most)
        with self._left:
            self._left.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            with self._left:
                self._free += share
                self._left.notify_all()
