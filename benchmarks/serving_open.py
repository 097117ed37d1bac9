"""An open loop: requests that come when they come, however long earlier ones take; in a process of its own.

Run as a process: port, folder of images, requests a second, seconds. Prints one line of JSON. A request's latency
counts from when it was to be sent, so that one that waits for a connection is not made to look quick.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter, deque
from itertools import cycle
from pathlib import Path

import httptools
import numpy as np
import uvloop

CONNECTIONS = 320  # more than the service's places
IDLE = 4  # s after which a connection is not used again: the service closes it after 5
PATIENCE = 30  # s for the last answers
HEAD = b"POST /classify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"


def main() -> None:
    port, folder, rate, seconds = sys.argv[1:]
    files = [file.read_bytes() for file in sorted(Path(folder).iterdir())]
    client = Client([HEAD % len(file) + file for file in files], float(rate))
    uvloop.run(client.run(int(port), float(seconds)))
    print(json.dumps(client.told()))


class Client:
    """Asks at random times (a Poisson process of `rate` a second), on any connection that is free."""

    def __init__(self, requests: list[bytes], rate: float):
        self._requests = cycle(requests)
        self._rate = rate
        self._random = random.Random(0)
        self._idle: deque[Connection] = deque()
        self._waiting: deque[float] = deque()  # when requests were to be sent for which no connection is free
        self._open = 0
        self._opening: set[asyncio.Task] = set()  # which asyncio itself would forget
        self._answers: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._sent = 0

    async def run(self, port: int, seconds: float) -> None:
        """Ask for so long, then wait for what is missing."""
        self._port = port
        start = due = time.perf_counter()
        while due < start + seconds:
            await asyncio.sleep(max(0, due - time.perf_counter()))
            while due <= time.perf_counter():
                self._sent += 1
                self._send(due)
                due += self._random.expovariate(self._rate)
        until = time.perf_counter() + PATIENCE
        while self._answers.total() < self._sent and time.perf_counter() < until:
            await asyncio.sleep(0.05)

    def told(self) -> dict:
        """Return what came of it: milliseconds of the answers with status 200, how many had which status."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        p50, p95, p99 = np.percentile(self._latencies or [0], (50, 95, 99)).tolist()
        told = {"requests": self._sent, "answers": {**self._answers, "none": self._sent - self._answers.total()}}
        return told | {"p50": p50, "p95": p95, "p99": p99, "client_s": usage.ru_utime + usage.ru_stime}

    def free(self, connection: "Connection") -> None:
        """Use a connection for the next request that waits."""
        if self._waiting:
            connection.ask(self._waiting.popleft(), next(self._requests))
        else:
            self._idle.append(connection)

    def answered(self, due: float, status: str) -> None:
        """Count an answer to what was due then."""
        self._answers[status] += 1
        if status == "200":
            self._latencies.append(1000 * (time.perf_counter() - due))

    def closed(self) -> None:
        """Let another connection take its place."""
        self._open -= 1

    def _send(self, due: float) -> None:
        while self._idle:
            connection = self._idle.pop()
            if time.perf_counter() - connection.last < IDLE:
                connection.ask(due, next(self._requests))
                return
            connection.transport.close()
        self._waiting.append(due)
        if self._open < CONNECTIONS:
            self._open += 1
            self._opening.add(asyncio.create_task(self._connect()))

    async def _connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: Connection(self), "127.0.0.1", self._port)


class Connection(asyncio.Protocol):
    """A connection that is kept for one request after the other."""

    def __init__(self, client: Client):
        self._client = client
        self._due: float | None = None  # of the request that is not answered
        self.last = time.perf_counter()

    def ask(self, due: float, request: bytes) -> None:
        """Send a request."""
        self._due = due
        self.transport.write(request)

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Be ready."""
        self.transport = transport
        self._parser = httptools.HttpResponseParser(self)
        self._client.free(self)

    def data_received(self, data: bytes) -> None:
        """Read an answer."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Tell its status."""
        self._client.answered(self._due, str(self._parser.get_status_code()))
        self._due = None
        self.last = time.perf_counter()
        self._client.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell what gets no answer."""
        self._client.closed()
        if self._due is not None:
            self._client.answered(self._due, "lost")


if __name__ == "__main__":
    main()
