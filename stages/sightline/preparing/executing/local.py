"""Threads and processes of this machine."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process

from sightline.common.errors import SightlineError
from sightline.images.decoding.decode import ROOM
from sightline.images.decoding.room import Tally
from sightline.preparing.executing.ahead import Executor, Result, Work, done, map_ahead
from sightline.preparing.shards import Shard, length_of

MOST_WORKERS = 16  # so that what they hold stays below 300 MB; the thread that reads and writes feeds no more
SMALL_FILE = 4096  # bytes, on average


@contextmanager
def open_threads() -> Iterator[Executor]:
    """Open a thread a core."""
    with ThreadPoolExecutor(_workers()) as pool:
        yield Threads(pool)


@contextmanager
def open_processes() -> Iterator[Executor]:
    """Open a process a core, which start when they are needed and end with this one, however it ends."""
    context = get_context("spawn")
    tally = Tally(context.Condition(), context.Value("q", 0, lock=False))
    pool = ProcessPoolExecutor(_workers(), context, _start_process, (tally,))
    try:
        yield Processes(pool)
    finally:
        pool.shutdown(cancel_futures=True)


class Threads:
    """Threads decode photos. Thumbnails are decoded by whoever reads them.

    With so little decoding for each, threads would wait for Python's lock most of the time, and two of them took half
    as long again as none.
    """

    def __init__(self, pool: ThreadPoolExecutor):
        self._pool = pool

    def map(self, work: Work, shards: Iterable[Shard]) -> Iterator[Result]:
        def hand_out(shard: Shard) -> Future:
            is_small = sum(map(length_of, shard)) < SMALL_FILE * len(shard)
            return done(work(shard)) if is_small or not shard else self._pool.submit(work, shard)

        return map_ahead(hand_out, shards, 2 * _workers())


class Processes:
    """Processes share nothing but the room for decoded pixels."""

    def __init__(self, pool: ProcessPoolExecutor):
        self._pool = pool

    def map(self, work: Work, shards: Iterable[Shard]) -> Iterator[Result]:
        def hand_out(shard: Shard) -> Future:
            return self._pool.submit(work, shard) if shard else done(work(shard))

        try:
            yield from map_ahead(hand_out, shards, 2 * _workers())
        except BrokenProcessPool:
            raise SightlineError(
                "SIGHTLINE_EXECUTOR: processes: one of them was killed, perhaps since memory ran out: "
                "free some, or decode by threads, which take less"
            ) from None


def _workers() -> int:
    return min(MOST_WORKERS, os.cpu_count() or 1)


def _start_process(tally: Tally) -> None:
    ROOM.count_by(tally)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stage itself ends on Ctrl-C, and then these do
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)
