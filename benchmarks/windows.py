"""Interleaved windows: contenders in processes of their own, one of them running at a time.

A contender calls `Ticker.tick` after each training step. Between its windows it waits there, so that the same loop goes
on where it stopped; what its loader's workers fetched meanwhile is used up by the untimed steps of the next window.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

START_LIMIT = 600  # seconds until the first step
LOG_TAIL = 20  # lines

Run = Callable[[Callable[[], None]], None]  # trains for ever, calls its argument after each step


@dataclass(frozen=True)
class Window:
    """A stretch of training: steps that are not timed, then as many as begin within `seconds`."""

    untimed_steps: int
    seconds: float


class Ticker:
    """The contender's end of the connection: at the end of each window it reports and waits."""

    def __init__(self, connection: Connection, batch_size: int):
        self.connection = connection
        self.batch_size = batch_size
        self.untimed = 0
        self.steps = 0
        self.seconds = 0.0  # the first step ends a window of no length: it says ready
        self.began = time.perf_counter()

    def tick(self) -> None:
        """Count a training step."""
        if self.untimed:
            self.untimed -= 1
            if not self.untimed:
                self.steps = 0
                self.began = now()
            return
        self.steps += 1
        if time.perf_counter() - self.began >= self.seconds:
            self.connection.send(self.steps * self.batch_size / (now() - self.began))
            self.obey()

    def obey(self) -> None:
        """Wait for the next window, or for the end: None."""
        window = self.connection.recv()
        if window is None:
            self.connection.send(memory())
            sys.exit()  # unwinds the training loop and closes its loader
        self.untimed = window.untimed_steps
        self.seconds = window.seconds


def now() -> float:
    """Return the time when all work that was queued on a GPU is over."""
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


class Contender:
    """The parent's end: a process that trains when asked to."""

    def __init__(self, name: str, run: Run, batch_size: int, log: Path):
        self.name = name
        self.log = log
        context = multiprocessing.get_context("spawn")  # a new interpreter, which imports only what it uses
        self.connection, end = context.Pipe()
        self.process = context.Process(target=contend, args=(run, end, batch_size, log))
        self.process.start()
        end.close()
        self.receive()

    def receive(self):
        """Return what the process sends; fail with the end of its log when it has died or does not come to a step."""
        try:
            if self.connection.poll(START_LIMIT):
                return self.connection.recv()
        except EOFError:
            self.process.join()  # its log is whole then
        self.process.kill()
        raise RuntimeError(f"{self.name} did not train:\n" + "\n".join(self.log.read_text().splitlines()[-LOG_TAIL:]))

    def measure(self, window: Window) -> float:
        """Return images a second over one window."""
        self.connection.send(window)
        return self.receive()

    def stop(self) -> dict[str, float]:
        """End the process and return its `memory`."""
        self.connection.send(None)
        used = self.receive()
        self.process.join()
        return used


@contextmanager
def started(runs: dict[str, Run], batch_size: int, logs: Path) -> Iterator[list[Contender]]:
    """Start all contenders, and leave none of them behind whatever happens."""
    contenders: list[Contender] = []
    try:
        for number, (name, run) in enumerate(runs.items()):
            contenders.append(Contender(name, run, batch_size, logs / f"{number}.log"))
        yield contenders
    finally:
        for contender in contenders:
            contender.process.kill()


def contend(run: Run, connection: Connection, batch_size: int, log: Path) -> None:
    """Be the contender's process, with its output in a file."""
    with log.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    run(Ticker(connection, batch_size).tick)


def interleave(contenders: list[Contender], window: Window, rounds: int) -> dict[str, list[float]]:
    """Give each contender a window in every round, in turn from first to last and from last to first."""
    rates: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            rates[contender.name].append(contender.measure(window))
    return rates


def memory() -> dict[str, float]:
    """Return this process's peak resident memory, and what of it maps stored arrays into memory now, in MiB."""
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {"peak": int(peak.split()[1]) / 1024, "mapped": mapped_arrays() / 1024}


def mapped_arrays() -> int:
    """Return the resident KiB of memory-mapped .npy files."""
    mapped = 0
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, *rest = line.split(maxsplit=5)
        if not first.endswith(":"):  # the head of a mapping: addresses, permissions, ..., path
            inside = line.endswith(".npy")
        elif inside and first == "Rss:":
            mapped += int(rest[0])
    return mapped
