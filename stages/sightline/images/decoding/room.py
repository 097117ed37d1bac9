"""A bound on the pixels that are held decoded at once, so that memory does not grow with the largest files."""

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_int64
from dataclasses import dataclass, field
from threading import Condition


@dataclass
class Tally:
    """Pixels that are held, and who waits for fewer.

    Several processes share one where both come from `multiprocessing`, the number without a lock of its own.
    """

    left: Condition = field(default_factory=Condition)
    held: c_int64 = field(default_factory=c_int64)


class Room:
    """Room for `most` pixels: who finds too little left waits until others leave.

    What is larger than the whole room has it alone.
    """

    def __init__(self, most: int):
        self._most = most
        self._tally = Tally()

    def count_by(self, tally: Tally) -> None:
        """Share the room with all who count by the same tally; nobody may be in it."""
        self._tally = tally

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Hold room for `pixels` within the `with` block; a thread that holds some must not ask for more."""
        share = min(pixels, self._most)
        left, held = self._tally.left, self._tally.held
        with left:
            left.wait_for(lambda: held.value + share <= self._most)
            held.value += share
        try:
            yield
        finally:
            with left:
                held.value -= share
                left.notify_all()
