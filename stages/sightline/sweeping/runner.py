"""Run the experiments of a sweep, several at a time; one that fails stops no other."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sightline.experiments.order import Order
from sightline.experiments.running import Running
from sightline.experiments.shares import find_gpus, share
from sightline.sweeping.journal import LOGS, Run, append_run, describe_seconds
from sightline.sweeping.plan import Job
from sightline.training.interrupt import StopRequest

POLL = 0.2  # s
FULL = ("the disk is full", "No space left on device", "disk quota")  # every other experiment would fail too
FIRST = ("prepare", "split")  # stages that do the same for every model of a data set
MARK = "Running stage '"


@dataclass
class Outcome:
    """What came of a sweep: failures by the experiment's title, what was not tried and why, whether it was stopped."""

    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    stopped: str = ""


class Runner:
    """Runs jobs, at most so many side by side.

    Parameters
    ----------
    root : Path
        Root of the repository.
    jobs : int
        How many run side by side.
    start : callable
        Starts an order in the repository: `sightline.experiments.start.start`, or another for tests.
    say : callable
        Prints a line.
    """

    def __init__(self, root: Path, jobs: int, start: Callable[[Order, Path], Running], say: Callable[[str], None]):
        self._root = root
        self._jobs = jobs
        self._start = start
        self._say = say
        self._gpus = find_gpus()
        self._running: dict[int, tuple[Job, Running, float]] = {}
        self._total = 0
        self._ended = 0

    def run(self, jobs: list[Job], stop: StopRequest) -> Outcome:
        """Run all jobs; a request to stop ends those that run, whose trainings can go on later."""
        waiting = deque(jobs)
        outcome = Outcome()
        self._total = len(jobs)
        self._ended = 0
        try:
            while (waiting or self._running) and not stop.noted and not outcome.stopped:
                self._fill(waiting, outcome)
                self._collect(outcome)
                time.sleep(POLL)
        finally:
            for _, running, _ in self._running.values():
                running.interrupt(self._root)
            self._running.clear()
        if stop.noted:
            outcome.stopped = "interrupted"
        return outcome

    def _fill(self, waiting: deque[Job], outcome: Outcome) -> None:
        """Start one job where there is a free place; more than one would keep a request to stop waiting."""
        slot = next((number for number in range(self._jobs) if number not in self._running), None)
        while slot is not None and waiting:
            job = waiting.popleft()
            if job.cell.data in outcome.skipped:
                self._ended += 1
                continue
            environment = share(slot, self._jobs, 0, self._gpus)
            order = Order(job.name, job.cell.values, "", self._root / LOGS / f"{job.name}.log", environment)
            self._running[slot] = (job, self._start(order, self._root), time.monotonic())
            return

    def _collect(self, outcome: Outcome) -> None:
        for slot, (job, running, begun) in list(self._running.items()):
            status = running.status()
            if status is None:
                continue
            del self._running[slot]
            running.tidy(self._root)
            self._ended += 1
            reason = running.reason() if status else ""
            run = Run(job.name, job.cell.data, job.cell.model, time.monotonic() - begun, reason)
            append_run(run, self._root)
            self._say(f"[{self._ended}/{self._total}] {job.cell.title}: {reason or describe_seconds(run.seconds)}")
            if reason:
                self._note_failure(job, running, reason, outcome)

    def _note_failure(self, job: Job, running: Running, reason: str, outcome: Outcome) -> None:
        outcome.failed[job.cell.title] = f"{reason} ({running.order.log.relative_to(self._root)})"
        log = running.read_log()
        if any(words in log for words in FULL):  # DVC says it behind what the stage said last
            outcome.stopped = "the disk is full: free some space"
            return
        stage = log.rpartition(MARK)[2].partition("'")[0]
        if stage in FIRST:
            outcome.skipped[job.cell.data] = f"fails in {stage}"
