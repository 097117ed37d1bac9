"""The service apart from HTTP: files in, answers out. FastAPI, or a replica of another system, hands it requests."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sightline.serving.answers import answer
from sightline.serving.batcher import Batcher
from sightline.serving.errors import ServiceError
from sightline.serving.gate import Gate, Visit
from sightline.serving.messages import REQUEST
from sightline.serving.metrics import Metrics
from sightline.serving.occlusion import draw_map, hidden_squares, hide_squares, map_falls
from sightline.serving.pixels import Pixels
from sightline.serving.record.lines import Answered
from sightline.serving.record.writer import Record
from sightline.serving.rollout.arms import ARM
from sightline.serving.rollout.open import open_rollout
from sightline.serving.settings import Settings
from sightline.serving.versions import Served, Versions


class Application:
    """Classifies images with the model that answers now.

    Parameters
    ----------
    settings : Settings
        All limits.
    make_batcher : callable
        What gathers images into batches: Batcher, or what takes its arguments and has its methods.

    Raises
    ------
    SightlineError
        There is no model that can be used.
    """

    def __init__(self, settings: Settings, make_batcher: Callable = Batcher):
        self.settings = settings
        self.metrics = Metrics()
        self.revision = settings.revision or _git_revision()
        self.versions = Versions(settings, self.metrics, self.revision, make_batcher=make_batcher)
        self.rollout = open_rollout(settings, self.metrics, self.revision, self.versions.first.classes)
        self._images = Gate(settings.queue)
        self.metrics.waiting.set_function(lambda: self._images.taken)
        self._bodies = Gate(settings.bodies_mb << 20)
        self._pixels = Pixels(settings, self.metrics)
        self._record = Record(settings, self.metrics) if settings.log else None
        self._helpers = ThreadPoolExecutor(settings.decode_threads, "helper")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer within the `async with` block."""
        self.versions.start()
        watch = asyncio.create_task(self.versions.watch())
        self.rollout.start()
        if self._record:
            self._record.start()
        try:
            yield
        finally:
            watch.cancel()
            self.versions.current.retire()
            await self.rollout.close()
            self._pixels.close()
            self._helpers.shutdown(wait=False, cancel_futures=True)
            if self._record:
                self._record.close()

    @contextmanager
    def accepted(self, served: Served) -> Iterator[tuple[Visit, Visit]]:
        """Hold a model and a place for one image within the `with` block: room for more images, room for a body.

        Raises
        ------
        ServiceError
            503: there is none.
        """
        with served, self._images.visit() as images, self._bodies.visit() as body:
            images.take(1)
            yield images, body

    def look_soon(self) -> None:
        """Look for new models at once; may be called from a signal handler."""
        self.versions.look_soon()
        self.rollout.look_soon()

    async def classify(self, served: Served, files: list[bytes], top: int, room: Visit, explain: bool) -> list[dict]:
        """Return what `answers.answer` does for each file, with `map`, a PNG, where it is asked for.

        An image that cannot be used has `error` and `code` in place of an answer, unless it is the only one.

        Raises
        ------
        ServiceError
            The only image cannot be used, or there is no room; a map takes that of one image a hidden square.
        """
        squares = len(hidden_squares(served.model.preprocessing.image_size)) if explain else 0
        room.take(len(files) * (1 + squares) - 1)
        tasks = [self._classify_one(served, file, top, explain) for file in files]
        if len(files) == 1:
            return [await tasks[0]]
        return [self._told(result) for result in await asyncio.gather(*tasks, return_exceptions=True)]

    async def probabilities(self, served: Served, files: list[bytes]) -> np.ndarray:
        """Return probabilities float32 [n, classes] of n > 0 files; raises the ServiceError of the first bad one."""
        found = await asyncio.gather(*[self._predict(served, file) for file in files], return_exceptions=True)
        for result in found:
            if isinstance(result, BaseException):
                raise result
        return np.stack([judged["probabilities"] for _, judged in found])

    async def pixel_probabilities(self, served: Served, pixels: np.ndarray) -> np.ndarray:
        """Return probabilities float32 [n, classes] of pixels uint8 [n, S, S, C], n > 0."""
        return (await self._compute(served, pixels, None))["probabilities"]

    async def in_thread(self, work: Callable, *given: object) -> Any:
        """Return what `work` returns, called in a thread that is not the event loop's."""
        return await asyncio.get_running_loop().run_in_executor(self._helpers, work, *given)

    async def _classify_one(self, served: Served, file: bytes, top: int, explain: bool) -> dict:
        pixels, judged = await self._predict(served, file)
        told = answer(served.model, judged, top)
        self.metrics.observe_answer(told)
        if explain:
            told["map"] = await self._explain(served, pixels, judged["probabilities"])
        return told

    async def _predict(self, served: Served, file: bytes) -> tuple[np.ndarray, np.void]:
        """Return pixels uint8 [S, S, C] and what `answers.judge` says of them."""
        pixels = await self._pixels.decode(served, file)
        return pixels, (await self._compute(served, pixels[None], file))[0]

    async def _compute(self, served: Served, pixels: np.ndarray, file: bytes | None) -> np.ndarray:
        """Return what `answers.judge` does [n], and have it written down."""
        found = await served.batcher.predict(pixels)
        request, arm = REQUEST.get(), ARM.get()
        for image, probabilities in zip(pixels, found["probabilities"], strict=True):
            self.rollout.mirror(served.model, image, file, probabilities)
            if self._record:
                self._record.add(Answered(time.time(), request, served.model, image, probabilities, file, arm))
        return found

    async def _explain(self, served: Served, pixels: np.ndarray, probabilities: np.ndarray) -> bytes:
        """Return a PNG; batch by batch, so that others are answered in between."""
        best = probabilities.argmax()
        falls = []
        for batch in hide_squares(pixels, served.batch):
            falls.append(probabilities[best] - (await served.batcher.predict(batch))["probabilities"][:, best])
        falls = map_falls(np.concatenate(falls), len(pixels))
        return await self.in_thread(draw_map, pixels, falls)

    def _told(self, result: dict | BaseException) -> dict:
        if isinstance(result, ServiceError):
            self.metrics.errors.labels(result.code).inc()
            return {"error": str(result), "code": result.code}
        if isinstance(result, BaseException):
            raise result
        return result


def _git_revision() -> str:
    """Return the commit of the code that serves; `unknown` where there is no Git."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"
