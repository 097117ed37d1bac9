"""Writes down what was answered, in a thread of its own: requests never wait for it, and lose lines before they do."""

import logging
import threading
from collections import deque
from itertools import groupby
from pathlib import Path

from sightline.serving.metrics import Metrics
from sightline.serving.record.budget import Budget
from sightline.serving.record.files import ImageFiles, LineFiles, refuse_unwritable
from sightline.serving.record.lines import Answered, hash_of, look_at, write_lines
from sightline.serving.settings import Settings

LINES = 8192  # that may wait to be written
HELD = 64 << 20  # bytes of the images that wait
PAUSE = 0.05  # s between two looks: many lines at once cost less, too many keep requests waiting
AT_ONCE = 64  # lines: the thread keeps the service's others waiting for no longer than these take
LOOKS = 16  # images whose pixels are summarized at once
SHARE = 0.01  # of one core, for the pixels
SAVED = 0.03  # s of it, for images that come all at once
QUIET = 60  # s between two complaints
ENDING = 5  # s for what waits when the service ends
MEBIBYTE = 1 << 20
log = logging.getLogger("uvicorn.error")


class Record:
    """The log of predictions.

    Parameters
    ----------
    settings : Settings
        The folder for lines, with images in `images` below it, the room for either, and the classes in a line.
    metrics : Metrics
        Told of lines that were dropped.

    Raises
    ------
    SightlineError
        The folder cannot be written to.
    """

    def __init__(self, settings: Settings, metrics: Metrics):
        folder = Path(settings.log)
        room = settings.log_images_mb * MEBIBYTE
        self._files = LineFiles(folder, settings.log_mb * MEBIBYTE)
        self._images = ImageFiles(folder / "images", room) if room else None
        self._top = settings.log_top
        refuse_unwritable(folder)
        self._metrics = metrics
        self._waiting: deque[Answered] = deque()
        self._taken_in = 0  # bytes, counted by who adds
        self._written = 0  # bytes, counted by the thread, so that neither needs a lock
        self._dropped = 0
        self._fault = ""
        self._budget = Budget(SHARE, SAVED)
        self._telling = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="record", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def add(self, image: Answered) -> None:
        """Take an image, to be written soon; never waits: it is dropped, and counted, where there is no room."""
        if len(self._waiting) >= LINES or self._taken_in - self._written > HELD:
            self._drop(1, "they come faster than they can be written")
            return
        self._taken_in += image.size
        self._waiting.append(image)

    def close(self) -> None:
        """Write what waits, and end."""
        self._ending.set()
        self._thread.join(ENDING)
        if self._waiting:
            log.warning("prediction log: %d lines were not written in time", len(self._waiting))

    def _work(self) -> None:
        since_told = QUIET
        while not self._ending.wait(PAUSE):
            self._write_waiting()
            since_told += PAUSE
            if self._dropped and since_told >= QUIET:
                since_told = 0.0
                self._tell()
        self._write_waiting()
        self._tell()
        self._files.close()

    def _write_waiting(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            for _, images in groupby(taken, key=lambda image: image.model.sha256):
                self._write(list(images))
            self._written += sum(image.size for image in taken)

    def _write(self, images: list[Answered]) -> None:
        try:
            hashes = [hash_of(image) for image in images]
            self._files.write(write_lines(images, hashes, self._look(images), self._top))
            for image, name in zip(images, hashes, strict=True):
                if self._images and image.file:
                    self._images.write(name, image.file)
        except OSError as error:
            self._drop(len(images), error.strerror)
        except Exception:  # the thread must go on
            log.exception("prediction log")
            self._drop(len(images), "this is a fault of Sightline")

    def _look(self, images: list[Answered]) -> list[str]:
        """Return what the pixels look like, as JSON; `null` where that would cost the service too much."""
        looks = []
        for start in range(0, len(images), LOOKS):
            some = images[start : start + LOOKS]
            if self._budget.left():
                with self._budget.spending():
                    looks += look_at(some)
            else:
                looks += ["null"] * len(some)
        return looks

    def _drop(self, lines: int, reason: str) -> None:
        self._metrics.dropped.inc(lines)
        with self._telling:
            self._dropped += lines
            self._fault = reason

    def _tell(self) -> None:
        with self._telling:
            dropped = self._dropped
            self._dropped = 0
        if dropped:
            log.warning("prediction log: %d lines or their images dropped: %s", dropped, self._fault)
