"""What benchmarks/serving.py compares: the service, a plain handler, and the bound, each in a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from serving_models import Served
from workspace import REPOSITORY

START_LIMIT = 300  # s
BENCHMARKS = Path(__file__).parent
SERVICE = [sys.executable, str(REPOSITORY / "stages/serve.py")]
PLAIN = [sys.executable, "-m", "uvicorn", "serving_plain:app", "--no-access-log", "--port"]


@dataclass(frozen=True)
class Contender:
    """A server that is running: what it is asked with is a key of the Lua script's."""

    process: psutil.Process
    port: int
    asked: str

    def spent(self) -> float:
        """Return the seconds of processor time that it took until now."""
        times = self.process.cpu_times()
        return times.user + times.system

    def memory(self) -> float:
        """Return its resident memory in MiB."""
        return self.process.memory_info().rss / 2**20


@contextmanager
def service(served: Served, **settings: object) -> Iterator[Contender]:
    """Run stages/serve.py with settings, which do not matter to answers."""
    port = free_port()
    told = {"model": served.model, "port": port} | settings
    environment = {f"SIGHTLINE_{name.upper()}": str(value) for name, value in told.items()}
    with _server(SERVICE, environment, served, port, "body") as contender:
        yield contender


@contextmanager
def plain_handler(served: Served, **environment: str) -> Iterator[Contender]:
    """Run the handler of tutorials."""
    port = free_port()
    environment |= {"PYTHONPATH": f"{BENCHMARKS}:{REPOSITORY / 'stages'}"}
    with _server([*PLAIN, str(port)], environment, served, port, "form") as contender:
        yield contender


@contextmanager
def bound(served: Served, threads: int) -> Iterator[subprocess.Popen]:
    """Run the bound; `measure_bound` asks it."""
    command = [sys.executable, BENCHMARKS / "serving_bound.py", served.model, served.images, str(threads)]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        print("bound", process.stdout.readline().strip(), flush=True)
        try:
            yield process
        finally:
            process.stdin.close()


def measure_bound(process: subprocess.Popen, seconds: float) -> dict[str, float]:
    """Let it work for so long; return images a second and microseconds of processor time an image."""
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


@contextmanager
def _server(command: list, environment: dict[str, str], served: Served, port: int, asked: str) -> Iterator[Contender]:
    log = served.workspace / f"{port}.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=served.workspace, env=os.environ | environment, stdout=stream, stderr=stream
        )
    try:
        wait_for(process, port, log)
        yield Contender(psutil.Process(process.pid), port, asked)
    finally:
        process.terminate()
        process.wait()
        log.unlink()


def wait_for(process: subprocess.Popen, port: int, log: Path) -> None:
    """Wait until a server listens; end the benchmark with its log where it does not."""
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"a server did not start:\n{log.read_text()}")
