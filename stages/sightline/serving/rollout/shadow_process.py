"""The process in which a shadow answers: images come over a socket, answers go to the log of predictions.

Run    python -m sightline.serving.rollout.shadow_process FILE_DESCRIPTOR, by the service alone
"""

import logging
import os
import pickle
import sys
import time
from multiprocessing.connection import Connection

import numpy as np

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.serving.found import REST, Found, find_model
from sightline.serving.metrics import Metrics
from sightline.serving.model import open_model
from sightline.serving.record.lines import Answered
from sightline.serving.record.writer import Record
from sightline.serving.rollout.arms import SHADOW, Arm
from sightline.serving.rollout.shadow import Job
from sightline.serving.settings import Settings

MILLION = 1_000_000
LEAST_URGENT = 19
log = logging.getLogger("uvicorn.error")


def main() -> None:
    os.nice(LEAST_URGENT)
    logging.basicConfig(format="%(levelname)s:     %(message)s")
    with Connection(int(sys.argv[1])) as link:
        settings = link.recv()
        record = open_record(settings)
        try:
            Answering(settings, record).answer(link)
        except (EOFError, ConnectionError):  # the service ended
            pass
        finally:
            if record:
                record.close()


def open_record(settings: Settings) -> Record | None:
    """Return the log, without images, which the service keeps."""
    if not settings.log:
        return None
    record = Record(settings.model_copy(update={"log_images_mb": 0}), Metrics())
    record.start()
    return record


class Answering:
    """The candidate, and where its answers go."""

    def __init__(self, settings: Settings, record: Record | None):
        self._settings = settings
        self._record = record
        self._refused = ""
        self._take(find_model(settings.candidate))

    def answer(self, link: Connection) -> None:
        """Answer what comes, and look for a new candidate now and then; raises EOFError when the service ends."""
        looked = time.monotonic()
        every = self._settings.watch_s or None
        while True:
            asked = link.poll(every)
            jobs = pickle.loads(link.recv_bytes()) if asked else []
            if asked:
                link.send((self._named, [self._answer(job) for job in jobs]))
            if not jobs or (every and time.monotonic() - looked >= every):
                self._look()
                looked = time.monotonic()

    def _answer(self, job: Job) -> tuple[str, float]:
        """Return whether it told the same class as the service, and the seconds that it took."""
        start = time.perf_counter()
        try:
            pixels = self._pixels(job)
            probabilities = self._model.run(pixels[None])[0]
        except BadImageError:
            return "failed", time.perf_counter() - start
        except Exception:  # whatever a candidate does, the next image is to be answered
            log.exception("shadow")
            return "failed", time.perf_counter() - start
        if self._record:
            given = Answered(job.time, job.request, self._model, pixels, probabilities, job.file, Arm(SHADOW))
            self._record.add(given)
        same = self._model.classes[probabilities.argmax()] == job.predicted
        return "same" if same else "differs", time.perf_counter() - start

    def _pixels(self, job: Job) -> np.ndarray:
        if job.file is not None:
            return self._model.decode(job.file, int(self._settings.megapixels * MILLION))
        if job.pixels.shape != self._model.preprocessing.shape:
            raise BadImageError("pixels of another shape than the candidate's")
        return job.pixels

    def _look(self) -> None:
        """Take a new candidate that nobody is still writing; keep the old one where it is bad."""
        try:
            found = find_model(self._settings.candidate)
            if found == self._looked_at:
                return
            time.sleep(REST)
            if find_model(self._settings.candidate) == found:
                self._take(found)
        except SightlineError as error:
            if str(error) != self._refused:
                log.warning("shadow: the old model stays: %s", error)
            self._refused = str(error)

    def _take(self, found: Found) -> None:
        self._looked_at = found
        self._model = open_model(found.path, 1, self._settings.providers)
        self._named = (found.version, self._model.sha256)


if __name__ == "__main__":
    main()
