"""Lets a candidate answer too, for the log alone: in a process of its own, which can neither slow nor end this one.

The other process is the least urgent of the machine, and what it has no time for is left out. It shares no lock, no
thread and no memory with the service; `shadow_process.py` is what runs there.
"""

import logging
import os
import pickle
import random
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sightline.serving.found import find_model
from sightline.serving.messages import REQUEST
from sightline.serving.metrics import Metrics
from sightline.serving.model import ExportedModel, open_model
from sightline.serving.rollout.off import Off
from sightline.serving.settings import Settings

MODULE = "sightline.serving.rollout.shadow_process"
STAGES = Path(__file__).parents[3]
WAITING = 256  # images
HELD = 32 << 20  # bytes of the images that wait
AT_ONCE = 8  # images handed over together
LOOK = 1.0  # s between two looks whether to look for a new candidate
ENDING = 5.0  # s for what waits when the service ends
PAUSES = (1.0, 60.0)  # s before a process that ended is started again: at first, and at most
log = logging.getLogger("uvicorn.error")


class Job(NamedTuple):
    """An image for the shadow: as it came, or its pixels where it came as such; and what the service told."""

    time: float
    request: str
    file: bytes | None
    pixels: np.ndarray | None
    predicted: str

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return len(self.file) if self.file is not None else self.pixels.nbytes


class Shadow(Off):
    """Hands a share of the images to another process.

    Parameters
    ----------
    settings : Settings
        `candidate`, `rollout_share`, and the log's folder.
    metrics : Metrics
        Told what became of each image.
    revision : str
        Told to the metrics beside the candidate.
    classes : list of str
        Of the current model; those of the shadow may be others.

    Raises
    ------
    SightlineError
        The candidate cannot be used.
    """

    def __init__(self, settings: Settings, metrics: Metrics, revision: str, classes: list[str]):
        open_model(find_model(settings.candidate).path, 1)  # to refuse a bad one at once
        self._settings = settings
        self._metrics = metrics
        self._revision = revision
        self._jobs: deque[Job] = deque()
        self._given = 0  # bytes, counted by who adds
        self._done = 0  # bytes, counted by the thread, so that neither needs a lock
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._process: subprocess.Popen | None = None
        self._asked = False
        self._told: tuple[str, str] | None = None
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        metrics.rollout_share.set(settings.rollout_share)

    def start(self) -> None:
        """Start the other process."""
        self._thread.start()

    async def close(self) -> None:
        """End the other process when it has answered what waits, or soon."""
        self._ending.set()
        self._wake.set()
        self._thread.join(ENDING)
        if self._process:
            _end(self._process)

    def look_soon(self) -> None:
        """Have the other process look for a new candidate soon."""
        self._asked = True  # no more: a signal's handler that sets an event waits for ever where it cut in on one

    def mirror(self, model: ExportedModel, pixels: np.ndarray, file: bytes | None, probabilities: np.ndarray) -> None:
        """Take an image; never waits: it is dropped, and counted, where there is no room."""
        if random.random() >= self._settings.rollout_share:
            return
        predicted = model.classes[probabilities.argmax()]
        job = Job(time.time(), REQUEST.get(), file, pixels if file is None else None, predicted)
        if len(self._jobs) >= WAITING or self._given - self._done + job.size > HELD:
            self._metrics.shadow.labels("dropped").inc()
            return
        self._given += job.size
        self._jobs.append(job)
        self._wake.set()

    def _work(self) -> None:
        shortest, longest = PAUSES
        pause = shortest
        while not self._ending.is_set():
            begun = time.monotonic()
            try:
                with self._launch() as link:
                    self._hand_over(link)
            except (OSError, EOFError):
                pause = shortest if time.monotonic() - begun > longest else pause
                log.warning("rollout: the shadow's process ended: it is started again in %.0f s", pause)
                self._ending.wait(pause)
                pause = min(2 * pause, longest)

    def _launch(self) -> Connection:
        ours, theirs = socket.socketpair()
        link = Connection(ours.detach())
        paths = [str(STAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C of the terminal ends the service, which ends it
            )
        link.send(self._settings.model_copy(update={"api_key": ""}))
        return link

    def _hand_over(self, link: Connection) -> None:
        """Give the other process what waits, a few images at a time, until the service ends."""
        while not self._ending.is_set():
            self._wake.wait(LOOK)
            self._wake.clear()
            if self._asked:
                self._asked = False
                self._ask(link, [])
            while self._jobs:
                jobs = [self._jobs.popleft() for _ in range(min(AT_ONCE, len(self._jobs)))]
                self._done += sum(job.size for job in jobs)
                self._ask(link, jobs)

    def _ask(self, link: Connection, jobs: list[Job]) -> None:
        try:
            link.send_bytes(pickle.dumps(jobs, pickle.HIGHEST_PROTOCOL))
            self._count(*link.recv())
        except (OSError, EOFError):
            self._metrics.shadow.labels("failed").inc(len(jobs))
            raise

    def _count(self, model: tuple[str, str], results: list[tuple[str, float]]) -> None:
        if model != self._told:
            self._told = model
            self._metrics.candidate.clear()
            self._metrics.candidate.labels(*model, self._revision).set(1)
        for result, seconds in results:
            self._metrics.shadow.labels(result).inc()
            self._metrics.arm_seconds.labels("shadow").observe(seconds)


def _end(process: subprocess.Popen) -> None:
    """Wait for a process that ends by itself, now that its link is closed; end it where it hangs."""
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
