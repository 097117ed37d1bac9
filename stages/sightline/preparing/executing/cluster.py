"""A Dask cluster: `dask:<address>` of its scheduler."""

import logging
import pickle
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from sightline.common.errors import SightlineError, in_one_line
from sightline.preparing.executing.ahead import Executor, Result, Work, map_ahead
from sightline.preparing.fingerprint import fingerprint
from sightline.preparing.shards import Shard

if TYPE_CHECKING:
    from distributed import Client, Future

REACHED = 10  # seconds in which a scheduler must answer
PATIENCE = 30  # seconds without a worker after which nobody waits any more
MORE_MEMORY = "if memory ran out, give them more by `--memory-limit`, or fewer threads by `--nthreads`"
START = "start one by `python stages/worker.py <address>` in a clone of the same commit"


class OtherCodeError(Exception):
    """A worker would decode otherwise than the process that gathers; the message says what to compare."""


@contextmanager
def open_cluster(address: str) -> Iterator[Executor]:
    """Connect to a scheduler.

    Raises
    ------
    SightlineError
        distributed is not installed, or nobody answers at the address.
    """
    try:
        from distributed import Client
    except ImportError:
        raise SightlineError("SIGHTLINE_EXECUTOR: dask needs `pip install -r requirements-dask.txt`") from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what matters is said in one line
    try:
        client = Client(address, timeout=REACHED, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError among them
        raise _failed(address, f"cannot be reached: {in_one_line(error)}") from None
    with client:
        yield Cluster(client, address)


class Cluster:
    """Workers, which may come and go; each shard that a lost one had is done again by another."""

    def __init__(self, client: "Client", address: str):
        self._client = client
        self._address = address

    def map(self, work: Work, shards: Iterable[Shard]) -> Iterator[Result]:
        """Yield results in order; bytes travel with the work, since what lies on a worker would be lost with it."""
        checked = partial(_work_as_here, fingerprint(), work)

        def unpack(packed):  # local and without types of this code, so that it travels whole: schedulers lack it
            return pickle.loads(packed)()

        def hand_out(shard: Shard) -> Expected:
            future = self._client.submit(unpack, pickle.dumps(partial(checked, shard)), pure=False)
            return Expected(future, self._client, self._address)

        threads = sum(worker["nthreads"] for worker in self._client.scheduler_info()["workers"].values())
        return map_ahead(hand_out, shards, 2 * max(1, threads))


class Expected:
    """The result of a shard, which tells failures of the cluster in one line."""

    def __init__(self, future: "Future", client: "Client", address: str):
        self._future = future
        self._client = client
        self._address = address

    def result(self) -> Result:
        from distributed import KilledWorker

        while True:
            try:
                return self._future.result(timeout=PATIENCE)
            except TimeoutError:
                self._refuse_empty()
            except KilledWorker:
                raise _failed(self._address, f"loses its workers at one shard: {MORE_MEMORY}") from None
            except (CancelledError, OSError) as error:
                raise _failed(self._address, f"was lost: {in_one_line(error)}") from None
            except ModuleNotFoundError as error:
                raise _failed(self._address, f"a worker lacks code ({error}): {START}") from None
            except OtherCodeError as error:
                raise _failed(self._address, str(error)) from None

    def cancel(self) -> None:
        self._future.release()

    def _refuse_empty(self) -> None:
        if not self._client.scheduler_info()["workers"]:
            raise _failed(self._address, f"has no workers: {START}")


def _work_as_here(expected: str, work: Work, shard: Shard) -> Result:
    """Do the work, on a worker, if code, packages and arithmetic are those of the process that gathers."""
    if fingerprint() != expected:
        raise OtherCodeError(f"a worker has other code, packages or arithmetic: {START} and with the same packages")
    return work(shard)


def _failed(address: str, what: str) -> SightlineError:
    return SightlineError(f"SIGHTLINE_EXECUTOR: dask:{address} {what}")
