"""Work on shards that runs elsewhere while more are read; results come in the shards' order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Protocol, TypeVar

from sightline.preparing.shards import Shard

Result = TypeVar("Result")
Work = Callable[[Shard], Result]


class Executor(Protocol):
    """What runs a function on shards."""

    def map(self, work: Work, shards: Iterable[Shard]) -> Iterator[Result]:
        """Yield what `work` makes of each shard, in order; both must be fit to be pickled."""


class Awaited(Protocol):
    """Work that was handed out."""

    def result(self) -> Result:
        """Wait for the result and return it, or raise what the work raised."""

    def cancel(self) -> object:
        """Say that nobody waits any more."""


def map_ahead(hand_out: Callable[[Shard], Awaited], shards: Iterable[Shard], most: int) -> Iterator[Result]:
    """Yield results in order, never more than `most` shards ahead of the consumer: memory stays that of those."""
    pending: deque[Awaited] = deque()
    try:
        for shard in shards:
            pending.append(hand_out(shard))
            if len(pending) > most:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for one in pending:
            one.cancel()


def done(result: Result) -> Future:
    """Return what is finished already as work that was handed out."""
    future: Future = Future()
    future.set_result(result)
    return future
