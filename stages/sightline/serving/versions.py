"""Which model answers, and how a new one takes its place without a lost request."""

import asyncio
import logging
from collections.abc import Callable

import numpy as np
from prometheus_client import Gauge

from sightline.common.errors import SightlineError
from sightline.serving.answers import judge
from sightline.serving.batcher import Batcher
from sightline.serving.found import Found, find_model, is_at_rest
from sightline.serving.metrics import Metrics
from sightline.serving.model import ExportedModel, open_model
from sightline.serving.settings import Settings

FEWEST, MOST = 8, 32  # images of a batch where no setting says how many
PIXELS = 1 << 15  # of a batch that has more than the fewest
log = logging.getLogger("uvicorn.error")


class Served:
    """A model that answers, with its batches; a `with` block keeps it running, also when it was replaced.

    `headers` name it in every answer; `batch` is how many images it computes at once, at most.
    """

    def __init__(self, model: ExportedModel, version: str, revision: str, batcher: Batcher, batch: int):
        self.model = model
        self.version = version
        self.batcher = batcher
        self.batch = batch
        named = {"version": version, "sha256": model.sha256, "revision": revision}
        self.headers = [(f"sightline-{name}".encode(), value.encode()) for name, value in named.items()]
        self._users = 0
        self._retired = False

    def __enter__(self) -> "Served":
        self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._users -= 1
        self._close_unused()

    def retire(self) -> None:
        """Stop it as soon as its last request is done."""
        self._retired = True
        self._close_unused()

    def _close_unused(self) -> None:
        if self._retired and not self._users:
            self.batcher.close()


class Versions:
    """Holds the model that answers, and looks for a newer one.

    Parameters
    ----------
    settings : Settings
        Where models lie, and how they compute.
    metrics : Metrics
        Told of each change.
    revision : str
        Told to the metrics beside each model.
    gauge : Gauge or None
        Names the model in the metrics; None: `metrics.model`.
    make_batcher : callable
        As Application's.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        revision: str,
        gauge: Gauge | None = None,
        make_batcher: Callable = Batcher,
    ):
        self._settings = settings
        self._metrics = metrics
        self._gauge = gauge or metrics.model
        self._revision = revision
        self._make_batcher = make_batcher
        self._seen = find_model(settings.model)
        self.first: ExportedModel | None = self._open(self._seen)
        self._asked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._refused = ""
        self.current: Served

    def start(self) -> None:
        """Let the first model answer; to be called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self.current = self._serve(self.first, self._seen)
        self.first = None  # so that it goes when another has taken its place

    def look_soon(self) -> None:
        """Look for a new model at once; may be called from a signal handler."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._asked.set)

    async def watch(self) -> None:
        """Look for a new model for ever."""
        while True:
            try:
                async with asyncio.timeout(self._settings.watch_s or None):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            await self.look()

    async def look(self) -> None:
        """Take a new model where there is one that nobody is still writing; keep the old one where it is bad.

        A model that cannot be taken is told once, and looked at again when its file changes.
        """
        try:
            found = find_model(self._settings.model)
            if found == self._seen or not await is_at_rest(found):
                return
            self._seen = found
            model = await asyncio.to_thread(self._open, found)
        except SightlineError as error:
            self._refuse(str(error))
            return
        except Exception:  # whatever onnxruntime makes of a model that is none of Sightline's
            log.exception("a new model cannot be computed")
            self._refuse("it cannot be computed")
            return
        old = self.current
        self.current = self._serve(model, found)
        old.retire()
        log.info("version %s answers now, SHA-256 %s", found.version, model.sha256[:16])

    def _open(self, found: Found) -> ExportedModel:
        """Open a model and compute with it: the first run of a size is slower than those after it."""
        model = open_model(found.path, self._settings.threads, self._settings.providers)
        for images in (1, largest_batch(self._settings, model)):
            model.run(np.zeros((images, *model.preprocessing.shape), np.uint8))
        return model

    def _serve(self, model: ExportedModel, found: Found) -> Served:
        settings = self._settings
        wait = settings.batch_wait_ms / 1000

        def run(pixels: np.ndarray) -> np.ndarray:
            return judge(model.rule, model.run(pixels))

        batch = largest_batch(settings, model)
        batcher = self._make_batcher(run, batch, wait, self._metrics.observe_batch)
        self._gauge.clear()
        self._gauge.labels(found.version, model.sha256, self._revision).set(1)
        self._metrics.loads.labels("taken").inc()
        return Served(model, found.version, self._revision, batcher, batch)

    def _refuse(self, reason: str) -> None:
        if reason != self._refused:
            log.warning("the old model stays: %s", reason)
            self._metrics.loads.labels("refused").inc()
        self._refused = reason


def largest_batch(settings: Settings, model: ExportedModel) -> int:
    """Return how many images a model computes at once, at most: of small ones more, which fills a batch's pixels."""
    fitting = PIXELS // model.preprocessing.image_size**2
    return settings.batch or min(max(fitting, FEWEST), MOST)
