import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from sightline.images.decoding.room import Room, Tally


@dataclass
class Count:
    """What is held at once, and the most that ever was."""

    most: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def change(self, pixels):
        with self._lock:
            self._now += pixels
            self.most = max(self.most, self._now)


def hold(room, sizes, workers):
    count = Count()
    together = threading.Barrier(workers)

    def work(pixels):
        with room.take(pixels):
            count.change(pixels)
            with suppress(threading.BrokenBarrierError):
                together.wait(0.5)  # s: whoever has room meets here; only the first waits in vain
            count.change(-pixels)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, sizes))
    return count.most


def test_what_fits_is_held_together():
    assert hold(Room(10), [5, 5], 2) == 10


@pytest.mark.parametrize(("sizes", "most"), [([6, 6, 6, 6], 6), ([4, 4, 4, 4], 8)])
def test_no_more_is_held_than_there_is_room(sizes, most):
    assert hold(Room(10), sizes, 4) == most


def test_what_is_larger_than_the_room_has_it_alone():
    assert hold(Room(10), [25, 1, 25, 1], 4) == 25


def test_two_rooms_of_one_tally_are_one():
    tally = Tally()
    rooms = [Room(10), Room(10)]
    for room in rooms:
        room.count_by(tally)
    with rooms[0].take(6):
        assert tally.held.value == 6
        waiting = threading.Thread(target=lambda: hold(rooms[1], [6], 1), daemon=True)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
    waiting.join(10)
    assert not waiting.is_alive()


def test_room_is_given_back_after_an_error():
    room = Room(10)
    with pytest.raises(ValueError, match="damaged"), room.take(10):
        raise ValueError("damaged")
    with room.take(10):
        pass
